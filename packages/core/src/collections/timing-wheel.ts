/** An item in a wheel: a node of a circular doubly linked list. */
export class WheelNode {
  previous: WheelNode | undefined = undefined;
  next: WheelNode | undefined = undefined;
}

/** A clock that goes back by fewer slots than this is only being adjusted. */
const SET_BACK_SLOTS = 16;

/**
 * Schedules when to look at something again. Placing and removing take constant time, and a look costs only what is due. A node
 * is placed at the *earliest* time it may be due; activity does not move it: the look that finds it too early places it again.
 * Anything beyond the horizon (about nine minutes) is looked at there and placed again.
 */
export class TimingWheel<T extends WheelNode> {
  private readonly slots: WheelNode[];
  private readonly due: WheelNode = ring();
  /** The first slot not yet emptied, counted from the epoch. */
  private cursor: number;
  /** True while a round that took more than one slice is unfinished. */
  private midRound = false;

  /** The finer the slots, the fewer nodes are looked at in vain; slots × length is the horizon. */
  constructor(
    now: number,
    private readonly slotMs = 128,
    slotCount = 4096,
  ) {
    this.slots = Array.from({ length: slotCount }, ring);
    this.cursor = this.slotOf(now);
  }

  /** Schedules the node for the first look after `at` (epoch milliseconds). */
  place(node: T, at: number): void {
    this.remove(node);
    const slot = Math.min(Math.max(this.slotOf(at), this.cursor), this.cursor + this.slots.length - 1);
    append(this.slotAt(slot), node);
  }

  /** The time of the latest look, roughly. */
  get turnedAt(): number {
    return this.cursor * this.slotMs;
  }

  remove(node: T): void {
    unlink(node);
  }

  /** Makes everything due at the next look, because deadlines have changed. */
  placeAllNow(): void {
    for (const slot of this.slots) appendAll(this.due, slot);
  }

  /**
   * One look: hands over what may be due at `now`, at most `max` nodes; each has left the wheel by the time it is handed over. A
   * node that `look` places again before `now` is not handed over twice in one round.
   *
   * @returns true when more nodes are waiting: call again soon.
   */
  turn(now: number, max: number, look: (node: T) => void): boolean {
    const slot = this.slotOf(now);
    // The clock was set back: due times have to be worked out anew, once.
    if (this.cursor - slot > SET_BACK_SLOTS) {
      this.placeAllNow();
      this.cursor = slot;
    }
    const current = Math.max(slot, this.cursor);
    // After a long sleep, each slot counts as having passed once, not several times.
    const passed = Math.min(current - this.cursor, this.slots.length);
    for (let i = 0; i < passed; i++) appendAll(this.due, this.slotAt(this.cursor + i));
    this.cursor = current;
    // The slot that contains `now` holds nodes that are due and nodes that are not. It is taken once per round: nodes placed
    // there again meanwhile wait for the next look, or a round of many slices would never end.
    if (!this.midRound) appendAll(this.due, this.slotAt(current));
    this.midRound = true;
    for (let count = 0; count < max; count++) {
      const node = this.due.next as WheelNode;
      if (node === this.due) break;
      unlink(node);
      look(node as T);
    }
    this.midRound = this.due.next !== this.due;
    return this.midRound;
  }

  private slotOf(time: number): number {
    return Math.floor(time / this.slotMs);
  }

  private slotAt(slot: number): WheelNode {
    return this.slots[slot % this.slots.length] as WheelNode;
  }
}

function ring(): WheelNode {
  const head = new WheelNode();
  head.previous = head.next = head;
  return head;
}

function unlink(node: WheelNode): void {
  if (node.next === undefined || node.previous === undefined) return;
  node.previous.next = node.next;
  node.next.previous = node.previous;
  node.previous = node.next = undefined;
}

function append(head: WheelNode, node: WheelNode): void {
  const last = head.previous as WheelNode;
  node.previous = last;
  node.next = head;
  last.next = head.previous = node;
}

/** Moves a whole list in constant time. */
function appendAll(head: WheelNode, from: WheelNode): void {
  const first = from.next as WheelNode;
  if (first === from) return;
  const last = from.previous as WheelNode;
  const end = head.previous as WheelNode;
  end.next = first;
  first.previous = end;
  last.next = head;
  head.previous = last;
  from.next = from.previous = from;
}
