// The object of a bucket that a request names in `s3`: bucket, key, region, perhaps the endpoint of another store that speaks S3. Credentials
// are in it, or come from the node's environment (`AWS_ACCESS_KEY_ID`, …).

import { ZerohopError } from '../../base/index.ts';
import { type Body, isObject, optionalText, text } from './fields.ts';

/** Throws INVALID_REQUEST. */
export function s3File(body: Body): Bun.S3File {
  const s3 = settingsOf(body);
  const [accessKeyId, secretAccessKey] = [
    optionalText(s3, 'aws_access_key_id'),
    optionalText(s3, 'aws_secret_access_key'),
  ];
  const [region, endpoint] = [optionalText(s3, 'region'), optionalText(s3, 'endpoint')];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new ZerohopError('INVALID_REQUEST', '"s3" has both aws_access_key_id and aws_secret_access_key, or neither.');
  const client = new Bun.S3Client({
    bucket: text(s3, 'bucket'),
    ...(accessKeyId !== undefined && secretAccessKey !== undefined && { accessKeyId, secretAccessKey }),
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  });
  return client.file(s3Key(body));
}

export function s3Key(body: Body): string {
  return text(settingsOf(body), 'key');
}

function settingsOf(body: Body): Body {
  if (isObject(body.s3)) return { ...body.s3, operation: body.operation };
  throw new ZerohopError('INVALID_REQUEST', '"s3" is an object: {"bucket", "key", "region", …}.');
}
