/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - PACKs in HTTP messages, both ways; see docs/protocols/sevpn.md. */
#pragma once

#include "core/base/http.h"
#include "core/base/pack.h"
#include "core/base/types.h"

#include <glib.h>

/* "POST TARGET" with a body. */
GByteArray *sevpn_request(const char *target, const char *host, const char *content_type,
                          const void *body, size_t len);
/* The same with a PACK, padded. Frees the pack. */
GByteArray *sevpn_request_pack(const char *host, struct pack *p);
/* "200 OK" with a PACK, padded. Frees the pack. */
GByteArray *sevpn_response_pack(struct pack *p);

/* Takes a whole answer from the start of in, if it is there: HTTP_OK and *out (the caller's).
 * HTTP_BAD if it is not a PACK in a 200 answer, or larger than the limits of a login. */
enum http_verdict sevpn_response_take(GByteArray *in, struct pack **out) MUST_CHECK;
