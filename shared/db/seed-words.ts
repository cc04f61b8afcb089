/** SQL for the word that belongs to the number `n`. */
export function word(n: string): string {
  const words =
    "amber,basil,cedar,delta,ember,fjord,grove,hazel,indigo,jasper,karma,lotus,maple,north,ocean,pearl,quartz,river,sable,tulip,umber,velvet,willow,xenon,yarrow,zephyr,acorn,birch,coral,dune,elm,fern";
  return `(string_to_array('${words}', ','))[1 + (${n}) % 32]`;
}
