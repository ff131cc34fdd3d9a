import { logger, type RequestTarget, Resource } from 'zerohop';

/** GET /Say/<text>: writes it into the log. */
export class Say extends Resource {
  static override get(target: RequestTarget) {
    logger.warn(String(target.id));
    return { said: target.id };
  }
}
