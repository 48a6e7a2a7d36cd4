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

  shutForGood(): void {
    if (this.holds === 0 && !this.shut) this.close();
    this.shut = true;
  }

  protected abstract close(): void;
  protected abstract open(): void;
}
