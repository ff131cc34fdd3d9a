import { databases, Resource } from 'zerohop';

const { Parcel } = databases.data;

Parcel.setResidencyById((id) => {
  const [kind, name = ''] = id.split('-');
  if (kind === 'bad') throw new Error('no such kind');
  if (kind === 'at') return [name];
  return kind === 'eu' ? 2 : kind === 'us' ? 1 : undefined;
});

/** GET: how many Parcels there are. */
export class Count extends Resource {
  static override async get() {
    return Parcel.getRecordCount();
  }
}
