import type { Framework, Person } from "../contract.ts";

/** An element of index.html. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as E;
}

/** An element with its content as text: what came from a person is never markup, whatever it looks like. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<Omit<HTMLElementTagNameMap[Tag], "dataset">> & {
    dataset?: Record<string, string>;
  } = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const { dataset, ...rest } = properties;
  const created = Object.assign(document.createElement(tag), rest);
  Object.assign(created.dataset, dataset);
  created.append(...children);
  return created;
}

/** A name, which may be written from right to left: `bdi` keeps that from turning the text around it. */
export function nameOf(person: Person): HTMLElement {
  return element("bdi", { className: "name", textContent: person.name, title: person.name });
}

/** The framework someone came through. */
export function badge(framework: Framework): HTMLElement {
  return element("span", { className: "badge", dataset: { framework }, textContent: framework });
}
