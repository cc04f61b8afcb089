/** How ids are sent as numbers. JSON has any integer; who has had them in JavaScript sends them rounded. */
export type ToNumber = (id: string) => unknown;

/** In the library since V8 11.4, in TypeScript's description of it not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
export const exactNumber: ToNumber = (id) => rawJSON(id);
export const roundedNumber: ToNumber = (id) => Number(id);
