import { setTimeout as sleep } from "node:timers/promises";
import { type Attack, describeAttack } from "./attack.ts";
import { Attacker } from "./attacker.ts";
import { attackOf } from "./attacks.ts";
import type { Child } from "./child.ts";
import { Pacer } from "./pacer.ts";
import type { ServerCommands } from "./server.ts";
import { settings } from "./settings.ts";

/** How often the server is asked how it is. */
const checkEveryMs = 200;

export interface AssaultOptions {
  readonly server: Child<ServerCommands>;
  readonly port: number;
  /** The index of the first attack. */
  readonly from: number;
  readonly durationMs: number;
  /** True when a child has reported a fault: no further attack then, so that the last ones tell what it was. */
  hasFailed(): boolean;
}

/** What an assault has done. */
export interface AssaultReport {
  readonly countsByKind: Readonly<Record<string, number>>;
  readonly count: number;
  /** Shares of the time for which each has computed. */
  readonly attackerShare: number;
  readonly serverShare: number;
  /** What the server did wrong, with the attack that it was an answer to. */
  readonly failures: readonly string[];
  /** The most recent attacks. */
  readonly last: readonly Attack[];
}

/** Throws attacks at a server for a time, several at once, and closes every connection at the end. Never rejects. */
export async function assault(options: AssaultOptions): Promise<AssaultReport> {
  const { server, port, from, durationMs } = options;
  const countsByKind: Record<string, number> = {};
  const failures: string[] = [];
  const last: Attack[] = [];
  const pacer = new Pacer();
  let count = 0;

  const isOver = (): boolean =>
    pacer.elapsedMs >= durationMs ||
    from + count >= settings.maxAttacksPerAdapter ||
    failures.length > 0 ||
    options.hasFailed();

  const watchServer = async (): Promise<void> => {
    while (!isOver()) {
      pacer.serverHasUsed((await server.ask("status")).cpuMs);
      await sleep(checkEveryMs);
    }
  };

  using attacker = new Attacker(port);
  const lane = async (): Promise<void> => {
    for (await pacer.turn(isOver); !isOver(); await pacer.turn(isOver)) {
      const attack = attackOf(settings.seed, from + count++);
      countsByKind[attack.kind] = (countsByKind[attack.kind] ?? 0) + 1;
      last.push(attack);
      if (last.length > settings.lanes + 8) last.shift();
      const verdict = await attacker.attack(attack);
      if (verdict !== undefined) failures.push(`${verdict}, after attack ${describeAttack(attack)}`);
    }
  };
  const lanes = Array.from({ length: settings.lanes }, lane);
  await Promise.all([watchServer().catch((error) => failures.push(String(error))), ...lanes]);
  const { attackerShare, serverShare } = pacer;
  return { countsByKind, count, attackerShare, serverShare, failures, last };
}
