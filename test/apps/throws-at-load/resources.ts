import { Resource } from 'zerohop';

/** Never served: the module throws after it. */
export class Hello extends Resource {
  static override get() {
    return { hello: true };
  }
}

throw new Error('this app can not be loaded');
