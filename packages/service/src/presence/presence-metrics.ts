import type { ExtraMetric } from "@spry-ws/core/adapter";
import type { TopicPresence } from "./topic-presence.ts";

/** What an operator wants to know of who is there. */
export function presenceMetrics(topics: Iterable<TopicPresence>): readonly ExtraMetric[] {
  let [count, members, ownMembers, processes] = [0, 0, 0, 0];
  for (const { membership, localMembers, otherProcesses } of topics) {
    count++;
    members += membership.members.size;
    ownMembers += localMembers;
    processes = Math.max(processes, otherProcesses);
  }
  const gauge = (name: string, value: number, help: string): ExtraMetric => ({
    name,
    type: "gauge",
    help,
    value,
  });
  return [
    gauge("presenceTopics", count, "Topics of which this process knows who is there"),
    gauge("presenceMembers", members, "Members of these topics, in all processes"),
    gauge("presenceOwnMembers", ownMembers, "Members of these topics that are there in this process"),
    {
      ...gauge("presenceProcesses", processes, "Other processes known, in the topic with most of them"),
      together: "max",
    },
  ];
}
