/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h - the addresses of a host name, asked for on a helper thread, answered on a worker. */
#pragma once

#include "core/base/addr.h"
#include "core/base/worker.h"

#include <stdint.h>

enum { LOOKUP_MAX = 8 };

struct lookup;

/* On the worker, later. n 0: the name has no address, and why says so for a person; else 1 to
 * LOOKUP_MAX addresses in the order in which to try them: as the system sorts them, families
 * taking turns (RFC 8305, 4). The lookup is gone when this returns. */
typedef void lookup_done(void *owner, const struct endpoint *found, unsigned n, const char *why);

/* family: 0 any, 4 or 6. A literal address is answered without asking anybody. Own thread of w. */
struct lookup *lookup_start(struct worker *w, const char *host, uint16_t port, unsigned family,
                            lookup_done *done, void *owner);
/* done() does not come any more. The helper may go on for a while; it touches nothing of the
 * worker's afterwards. NULL is fine. */
void lookup_cancel(struct lookup *l);
