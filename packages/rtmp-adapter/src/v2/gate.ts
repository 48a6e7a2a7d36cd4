/** A gate that stays held while anyone holds it, and that can be shut for good. */
export abstract class Gate {
  private holds = 0;
  protected shut = false;

  hold(): void {
    if (this.holds++ === 0 && !this.shut) this.close();
  }

  release(): void {
    if (--this.holds === 0 && !this.shut) this.open();
  }

  /** Ends a hold without a verdict: nothing flows until somebody holds it again, and releases it. */
  abandon(): void {
    if (--this.holds === 0 && !this.shut) this.drop();
  }

  shutForGood(): void {
    if (this.holds === 0 && !this.shut) this.close();
    this.shut = true;
  }

  protected abstract close(): void;
  protected abstract open(): void;
  protected abstract drop(): void;
}
