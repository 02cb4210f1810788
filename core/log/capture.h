/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - packets as they pass, in the format of pcapng, for somebody who reads on.
 *
 * Workers put packets into a buffer of bounded size, one short lock a batch; what does not fit is
 * lost and counted, and the count is in the capture itself (interface statistics).
 */
#pragma once

#include "core/base/reader.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum { CAPTURE_BYTES = 8 * 1024 * 1024, CAPTURE_PACKET_MAX = 65536 + 64 };

struct capture;

/* session: only what comes from that port or goes to it; NULL: all. */
struct capture *capture_new(const char *session);
struct capture *capture_ref(struct capture *c);
void capture_unref(struct capture *c); /* any thread */

/* Whether a packet between these ports is wanted; to NULL: to all. Any thread. */
bool capture_wants(const struct capture *c, const char *from, const char *to);
/* Any thread. */
void capture_add(struct capture *c, const struct reader *packets, unsigned n, int64_t wall_us);

/* Appends up to about max bytes of whole blocks, and forgets them: first the header of a file, then
 * what came since the last call. One reader. */
void capture_read(struct capture *c, size_t max, int64_t wall_us, GByteArray *out);
uint64_t capture_lost(const struct capture *c); /* packets; any thread */
