// A bound on what is on its way at once.
import { expect, test } from "bun:test";
import { FlightWindow } from "../../../src/agent/flight-window.ts";

test("is closed while as many as its limit are out", () => {
  const window = new FlightWindow(2);
  expect(window.isOpen(0)).toBe(true);
  window.sent(1, 0);
  expect(window.isOpen(0)).toBe(true);
  window.sent(2, 0);
  expect(window.isOpen(0)).toBe(false);
  window.returned(1);
  expect(window.isOpen(0)).toBe(true);
});

test("opens for each that comes back once, whatever else comes", () => {
  const window = new FlightWindow(2);
  window.sent(1, 0);
  window.sent(2, 0);
  window.returned(7);
  expect(window.isOpen(10)).toBe(false);
  window.returned(2);
  window.returned(2);
  window.sent(3, 10);
  expect(window.isOpen(10)).toBe(false);
});

test("gives up after a second, each at its own time", () => {
  const window = new FlightWindow(2);
  window.sent(1, 0);
  window.sent(2, 400);
  expect(window.isOpen(999)).toBe(false);
  expect(window.isOpen(1000)).toBe(true);
  window.sent(3, 1000);
  expect(window.isOpen(1399)).toBe(false);
  expect(window.isOpen(1400)).toBe(true);
});
