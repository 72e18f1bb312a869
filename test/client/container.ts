interface Container {
  readonly textContent: string | null;
}

/** An element of jsdom's document. The tests are Node's: the types of the DOM are not among theirs. */
export function createContainer(): Container {
  const { document } = globalThis as unknown as { document: { createElement(name: string): Container } };
  return document.createElement("div");
}
