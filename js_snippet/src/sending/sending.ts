/** What is needed where something is to be said to the server: ids, times, JSON, and the way there. */
import type { Equip } from "../types";
import { now, uuid } from "../ids";
import { write } from "../json";
import { transport } from "../transport";

export const sending: Equip = (tools, api) => {
  tools.uuid = uuid;
  tools.now = now;
  tools.write = write;
  tools.send = transport(api + "answers", tools);
};
