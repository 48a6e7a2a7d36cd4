/** A response on its way, as a link of the list of all. */
export interface Sampled {
  nextInFlight: Sampled | undefined;
  previousInFlight: Sampled | undefined;
  sample(): void;
}

/** Twice a second, so that bytes are credited at least every second however late a timer is. */
const SAMPLE_MS = 500;

/**
 * The responses in flight, and the one timer that looks at them. Most responses are gone before it does. It runs only
 * while there are any, and keeps no process alive.
 */
class InFlight {
  private first: Sampled | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;

  add(response: Sampled): void {
    response.nextInFlight = this.first;
    if (this.first !== undefined) this.first.previousInFlight = response;
    this.first = response;
    this.timer ??= setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  delete(response: Sampled): void {
    const { nextInFlight, previousInFlight } = response;
    if (nextInFlight !== undefined) nextInFlight.previousInFlight = previousInFlight;
    if (previousInFlight !== undefined) previousInFlight.nextInFlight = nextInFlight;
    else if (this.first === response) this.first = nextInFlight;
    response.nextInFlight = response.previousInFlight = undefined;
  }

  private sample(): void {
    if (this.first === undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    for (let response: Sampled | undefined = this.first; response !== undefined;) {
      // read first: a response that ends while it is looked at leaves the list
      const next: Sampled | undefined = response.nextInFlight;
      response.sample();
      response = next;
    }
  }
}

/** All of this process. */
export const inFlight = new InFlight();
