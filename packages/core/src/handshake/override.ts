import type { Server } from "node:http";

/** A method that is put on one server object, and taken off again. */
export class Override<Name extends "emit" | "close"> {
  readonly #server: Server;
  readonly #name: Name;
  readonly #make: (original: Server[Name]) => Server[Name];
  #own: Server[Name] | undefined;
  /** The method that the server object itself had before; undefined if it had only that of its class. */
  #before: Server[Name] | undefined;

  constructor(server: Server, name: Name, make: (original: Server[Name]) => Server[Name]) {
    this.#server = server;
    this.#name = name;
    this.#make = make;
  }

  install(): void {
    if (this.#own) return;
    this.#before = Object.hasOwn(this.#server, this.#name) ? this.#server[this.#name] : undefined;
    this.#own = this.#make(this.#server[this.#name]);
    this.#server[this.#name] = this.#own;
  }

  /** Takes the method off again. If somebody has put another method over it, it stays below that, and calls the original. */
  remove(): void {
    if (this.#server[this.#name] !== this.#own) return;
    if (this.#before) this.#server[this.#name] = this.#before;
    else delete (this.#server as Partial<Server>)[this.#name];
    this.#own = undefined;
  }
}
