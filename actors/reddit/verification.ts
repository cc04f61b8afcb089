import { plainText } from "../../shared/parse/text.ts";

/** A word about verifying somebody; `unverified` and `verifiable` are others. */
const MENTION = /\b(?:verif(?:y|ied|ication|ications|ying))\b/i;

/** Said of things that are checked, not of people. */
const OF_THINGS = /\bverif\w+ (?:\w+ )?(?:sources?|news|facts?|claims?|information)\b/i;

/** A sentence that asks somebody to do something. */
const DEMAND =
  /\b(?:must|requires?|required|needs?|needed|mandatory|have to|has to|only|please|before|first|without|necessary|get verified|verify (?:yourself|your))\b/i;

/** What turns the demand into its opposite. */
const DENIALS = [
  /\b(?:no|without) (?:\w+ )?verification (?:is |are )?(?:\w+ )?(?:needed|required|necessary)\b/i,
  /\bverification (?:is )?(?:\w+ )?(?:optional|unnecessary)\b/i,
  /\bverification (?:is not|isn['’]t|is never|is no longer|not|never) (?:\w+ )?(?:needed|required|necessary|mandatory)\b/i,
  /\b(?:do not|don['’]t|does not|doesn['’]t|no|never) (?:need|have|required) to (?:\w+ )?(?:verify|be verified|get verified)\b/i,
  /\bnot required to (?:\w+ )?(?:verify|be verified|get verified)\b/i,
];

/**
 * The first sentence of `texts` that asks posters to verify themselves, without its closing sign; `null` when none
 * does. A sentence that says it is not needed is a no.
 *
 * @param texts rules and descriptions, in Reddit's Markdown
 */
export function findVerification(texts: readonly (string | null | undefined)[]): string | null {
  const sentences = texts.flatMap((text) => (text ?? "").split(/(?<=[.!?])\s+|\n+/));
  const demand = sentences.find(asksForVerification);
  return demand ? demand.replace(/\*+/g, "").replace(/^[\s#>•-]+|[\s.!]+$/g, "") : null;
}

function asksForVerification(written: string): boolean {
  const sentence = plainText(written);
  return (
    MENTION.test(sentence) &&
    DEMAND.test(sentence) &&
    !OF_THINGS.test(sentence) &&
    !DENIALS.some((denial) => denial.test(sentence))
  );
}
