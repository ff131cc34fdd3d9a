import { databases, Resource } from 'zerohop';

const { Person } = databases.data;

Person.setResidency(({ region }) => {
  if (region === 'nowhere') throw new Error('no such region');
  if (region?.startsWith('at-')) return region.slice(3).split('+');
  return region === 'eu' ? 1 : region === 'us' ? 2 : undefined;
});

/** GET: how many there are. */
export class Count extends Resource {
  static override async get() {
    return Person.getRecordCount();
  }
}
