import { getContext, getUser, type RequestTarget, Resource, server, tables } from 'zerohop';

const { Item } = tables;
if (!Item) throw new Error('no table Item');

/** A class that passes on what a table gives. */
export class Passing extends Item {
  static override async get(target: RequestTarget) {
    return super.get(target);
  }
}

/** The same, in the older style. */
export class Older extends Item {
  override get(target: unknown): unknown {
    return super.get(target);
  }
}

/** Decides by itself. */
export class Judging extends Item {
  static allowRead(user: { username: string } | null): boolean {
    return user?.username === 'user-0';
  }
}

/** Open to everybody, and kept. */
export class Kept extends Resource {
  static override cacheable = true;
  static override async get({ id }: RequestTarget): Promise<unknown> {
    return { name: (await Item?.get(String(id)))?.name };
  }
}

/** Kept, and different for each who asks. */
export class KeptPassing extends Item {
  static cacheable = true;
  static override async get(target: RequestTarget) {
    return super.get(target);
  }
}

/** Signing in and out by code of the app. */
export class SignIn extends Resource {
  static override async post(_target: RequestTarget, data: unknown): Promise<unknown> {
    const { username, password } = (await data) as { username: string; password: string };
    const user = await getContext().login?.(username, password);
    return { username: user?.username, asking: getUser()?.username };
  }

  static override async delete(): Promise<void> {
    await getContext().logout?.();
  }

  static override async get({ id }: RequestTarget): Promise<unknown> {
    const user = await server.getUser(String(id));
    return { asking: getUser()?.username ?? null, role: user?.role.id ?? null };
  }
}
