import { AddressCounter } from "./address.ts";
import { answerInstead } from "./answer.ts";
import { AttachedServers } from "./attached-servers.ts";
import { Deadlines } from "./deadlines.ts";
import type { Handshake, HandshakeOwner, HandshakesUnderWay } from "./handshake.ts";
import { Notices } from "./notices.ts";
import { OriginLog } from "./origin.ts";
import { shuttingDown } from "./rejection.ts";

/** The handshakes of an instance that are under way, and what is kept for all of them: deadlines, clients, origins, notices, servers. */
export class Handshakes implements HandshakesUnderWay {
  /** In the order in which they came. */
  readonly #underWay = new Set<Handshake>();
  readonly #deadlines: Deadlines;
  readonly clients: AddressCounter = new AddressCounter();
  readonly origins: OriginLog = new OriginLog();
  readonly notices: Notices;
  /** The servers that the instance is attached to. */
  readonly servers: AttachedServers;
  admitted = 0;

  constructor(owner: HandshakeOwner) {
    this.#deadlines = new Deadlines(this.#underWay, owner.options.handshakeTimeoutMs);
    this.notices = new Notices(owner);
    this.servers = new AttachedServers(owner);
  }

  get size(): number {
    return this.#underWay.size;
  }

  add(handshake: Handshake): void {
    this.#underWay.add(handshake);
  }

  delete(handshake: Handshake): void {
    this.#underWay.delete(handshake);
  }

  startDeadline(handshake: Handshake): void {
    this.#deadlines.start(handshake);
  }

  /** Answers those that are meant with 503. */
  refuse(isMeant: (handshake: Handshake) => boolean): void {
    for (const handshake of [...this.#underWay].filter(isMeant)) answerInstead(handshake, shuttingDown);
  }
}
