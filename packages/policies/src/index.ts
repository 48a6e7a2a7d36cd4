export { jwtPolicy, type JwtPolicyOptions } from './jwt/jwt-policy.js';
export type { JwtKeys } from './jwt/keys.js';
export type { JwtClaims } from './jwt/grant.js';
export { signedUrlPolicy, type SignedUrlOptions } from './signed-url/signed-url-policy.js';
export { signToken, signUrl, type Signing } from './signed-url/sign.js';
export { httpAuthorizer, type HttpAuthorizerOptions } from './http-authorizer/http-authorizer.js';
export { allowDeny, type AllowDenyOptions } from './allow-deny/allow-deny.js';
export type { Rule } from './allow-deny/rule.js';
export { concurrencyPolicy, type ConcurrencyOptions } from './concurrency/concurrency-policy.js';
