// Popularity as Zipf has it: the page of rank n is asked for 1/n as often as the first.

export class Zipf {
  /** Of each rank: the share of all requests that is for it or those before it. */
  readonly #upTo: Float64Array;

  constructor(ranks: number) {
    this.#upTo = new Float64Array(ranks);
    let sum = 0;
    for (let rank = 0; rank < ranks; rank++) {
      sum += 1 / (rank + 1);
      this.#upTo[rank] = sum;
    }
    for (let rank = 0; rank < ranks; rank++) this.#upTo[rank] = (this.#upTo[rank] ?? 0) / sum;
  }

  /** @param chance from 0 to below 1 */
  rank(chance: number): number {
    let [low, high] = [0, this.#upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#upTo[middle] ?? 1) > chance) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
