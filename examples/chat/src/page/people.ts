import type { Framework, Person, Place } from "../contract.ts";
import { badge, byId, element, nameOf } from "./elements.ts";

const displayNames: Record<Framework, string> = { express: "Express", fastify: "Fastify", koa: "Koa" };

/** Who is here: the reader, who need not wait for the list, and the others by their names. */
export function showPeople(people: ReadonlyMap<string, Person>, me: Person | undefined): void {
  const isMe = ({ id }: Person) => id === me?.id;
  const all = new Map([...(me ? ([[me.id, me]] as const) : []), ...people]);
  const inOrder = [...all.values()].sort(
    (a, b) => Number(isMe(b)) - Number(isMe(a)) || a.name.localeCompare(b.name),
  );
  const rows = inOrder.map((person) => showPerson(person, isMe(person)));
  byId("count").textContent = String(rows.length);
  byId("people").replaceChildren(...rows);
}

function showPerson(person: Person, isMe: boolean): HTMLElement {
  const letter = [...person.name][0]?.toUpperCase() ?? "";
  return element(
    "li",
    { dataset: { framework: person.framework } },
    element("span", { className: "avatar", ariaHidden: "true", textContent: letter }),
    element(
      "span",
      { className: "who-is" },
      nameOf(person),
      isMe ? element("small", { textContent: "you" }) : "",
    ),
    badge(person.framework),
  );
}

/** Where else the room can be entered. */
export function showPlaces(places: readonly Place[], mine: Framework): void {
  byId("places").replaceChildren(
    ...places.map(({ framework, port }) => {
      const name = displayNames[framework];
      const url = new URL("/", location.href);
      url.port = String(port);
      const link = element("a", { href: url.href });
      if (framework === mine) {
        link.ariaCurrent = "page";
        link.append(name);
      } else {
        link.target = "_blank";
        link.ariaLabel = `Open on ${name}`;
        link.append(element("span", { textContent: "Open on " }), name);
      }
      return element("li", { dataset: { framework } }, link);
    }),
  );
}
