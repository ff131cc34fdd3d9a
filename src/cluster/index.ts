export * from './certificates.ts';
export { type LinkReport, Links, type LinksOptions, type Peer } from './links.ts';
