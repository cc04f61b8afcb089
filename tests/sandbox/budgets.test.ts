import { expect, it } from "vitest";
import { createBudgets } from "../../sandbox/budgets.ts";

const START = 1000;
const allowance = { requests: 10, windowSecs: 600 };

it("opens for exactly the allowance, then says too many until the window ends", () => {
  const budgets = createBudgets(START, 60);
  const kinds = Array.from({ length: 12 }, () => budgets.count("a", allowance, START + 1).kind);
  expect(kinds).toEqual([...Array(10).fill("open"), "over", "over"]);
  expect(budgets.count("a", allowance, START + 599.9)).toMatchObject({
    kind: "over",
    used: 13,
    remaining: 0,
  });
  expect(budgets.count("a", allowance, START + 600)).toEqual({
    kind: "open",
    window: 1,
    used: 1,
    remaining: 9,
    resetSecs: 600,
  });
});

it("counts each owner by itself", () => {
  const budgets = createBudgets(START, 60);
  for (let i = 0; i < 10; i++) budgets.count("a", allowance, START);
  expect(budgets.count("b", allowance, START)).toMatchObject({ kind: "open", used: 1, remaining: 9 });
});

it("blocks who goes on after twenty answers that said stop, each time for twice as long", () => {
  const budgets = createBudgets(START, 60);
  const goOn = (now: number): void => {
    for (let i = 0; i < 31; i++) budgets.count("a", allowance, now);
  };
  goOn(START);
  expect(budgets.count("a", allowance, START + 1)).toMatchObject({ kind: "blocked", resetSecs: 59 });
  expect(budgets.count("a", allowance, START + 60).kind).toBe("over");
  goOn(START + 600);
  expect(budgets.count("a", allowance, START + 719)).toMatchObject({ kind: "blocked", resetSecs: 1 });
  expect(budgets.count("a", allowance, START + 720).kind).toBe("over");
});

it("keeps the figures of every window", () => {
  const budgets = createBudgets(START, 60);
  for (let i = 0; i < 40; i++) budgets.count("a", allowance, START);
  budgets.count("a", allowance, START + 600);
  expect(budgets.stats()).toEqual([
    { owner: "a", window: 0, requests: 31, over: 21, blocks: 1, blocked: 9 },
    { owner: "a", window: 1, requests: 1, over: 0, blocks: 0, blocked: 0 },
  ]);
});
