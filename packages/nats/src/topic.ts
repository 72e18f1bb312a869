import type { Wanted } from "./subscription-queue.ts";
import type { NatsMessageLike, NatsSubscriptionLike } from "./types.ts";

/** A topic that is wanted, from `subscribe` on. */
export class Topic implements Wanted {
  readonly name: string;
  readonly subject: string;
  readonly callback: Wanted["callback"];
  isLeft = false;
  /** Whether the server has taken the subscription. */
  isConfirmed = false;
  error: Error | undefined;
  made: NatsSubscriptionLike | undefined;

  constructor(
    name: string,
    subject: string,
    on: { message(message: NatsMessageLike): void; revoked(error: Error): void },
  ) {
    this.name = name;
    this.subject = subject;
    this.callback = (error, message) => {
      if (!error) on.message(message);
      else if (this.isConfirmed) on.revoked(error);
      else this.error = error;
    };
  }
}
