/** What the script puts on the page: `window.privacyChoices`. */

export type Answers = Record<string, boolean>;

export interface Seen {
  /** Each purpose and whether it may run now. */
  answers: Answers;
  /** Whether the visitor (or the tool used before) has answered. */
  answered: boolean;
  /** When, as RFC 3339. */
  at: string | null;
  how: "" | "accept" | "refuse" | "mixed" | "signal" | "earlier";
  /** The version of the texts that was answered, as "site-shop@3/en". */
  edition: string;
  law: "opt-in" | "opt-out";
  /** The browser's Global Privacy Control was passed on. */
  signal: boolean;
  /** False where storage is blocked: the answer lasts as long as the page. */
  stored: boolean;
  /** Where the visitor finds the receipt. */
  proof: string | null;
  mode: "" | "test:all" | "test:none";
  /** In test mode alone: what the page has set and loaded by now. */
  found?: Thing[];
}

export interface Thing {
  /** A cookie, a key of local or session storage, another host that something was loaded from, an embedded page. */
  kind: "cookie" | "local" | "session" | "host" | "frame";
  name: string;
  /** Whether it was there before the script ran. */
  when: "before" | "after";
}

export interface PrivacyChoices {
  /** Settled once the settings have come; stays open while the server cannot be reached. */
  readonly ready: Promise<Seen>;
  get(): Seen;
  /** What the visitor has said in a place of your own; purposes left out are not said. */
  set(answers: Answers): void;
  /** Opens the choices. */
  show(): void;
  /** Forgets the answers in this browser and asks again. */
  reset(): void;
  /** Returns the function that stops listening. */
  on(event: "ready" | "change" | "open" | "close", then: (seen: Seen) => void): () => void;
}

declare global {
  interface Window {
    readonly privacyChoices?: PrivacyChoices;
    /** Set before the script runs, in tests only. */
    privacyChoicesTest?: "test:all" | "test:none";
  }
}
