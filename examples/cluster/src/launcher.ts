import type { Framework, Process } from "./contract.ts";

/** What the launcher tells its processes. */
export interface ToProcess {
  readonly processes: readonly Process[];
}

/** What they tell it. */
export type FromProcess = { readonly ready: true } | { readonly kill: Framework };

let known: readonly Process[] = [];

/** What runs, as the launcher has said. */
export function processes(): Process[] {
  return [...known];
}

export function killProcess(framework: Framework): void {
  tell({ kill: framework });
}

/** That this process has come up. */
export function tellReady(): void {
  tell({ ready: true });
}

export function listenToLauncher(): void {
  process.on("message", ({ processes }: ToProcess) => {
    known = processes;
  });
}

function tell(message: FromProcess): void {
  process.send?.(message);
}
