// A person at a prompt: each line is one datagram, and answers are shown for a moment before the next prompt.
import type { Millis } from "../core/machine.ts";
import type { Activity, ActivityResult, ActivityState, ProbeLine } from "./activity.ts";

export class InteractiveActivity implements Activity {
  readonly showsReceived = true;
  readonly wantsAnswers = false;
  private readonly connection: ProbeLine;
  private prompted = false;
  private promptAt: Millis | undefined;
  private ended: ActivityState = "running";

  constructor(connection: ProbeLine) {
    this.connection = connection;
  }

  advance(now: Millis): void {
    if (this.ended !== "running" || this.prompted || (this.promptAt !== undefined && now < this.promptAt)) return;
    this.prompted = true;
    this.promptAt = undefined;
    this.connection.emit({ type: "prompt" });
  }

  received(): void {}

  line(text: string | undefined, now: Millis): void {
    if (!this.prompted || this.ended !== "running") return;
    this.prompted = false;
    if (text === undefined || GOODBYES.has(text.trim())) {
      this.ended = "done";
      return;
    }
    const failure = this.connection.send(new TextEncoder().encode(text));
    if (failure === undefined) this.promptAt = now + ANSWERS_MS;
    else this.ended = { failure };
  }

  /** The next line fails; a person who only wants to leave has done nothing wrong. */
  closed(): void {}

  deadline(): Millis | undefined {
    return this.ended === "running" ? this.promptAt : undefined;
  }

  state(): ActivityState {
    return this.ended;
  }

  result(): ActivityResult {
    return {};
  }
}

const GOODBYES: ReadonlySet<string> = new Set(["quit", "exit"]);
const ANSWERS_MS = 500;
