/* SPDX-License-Identifier: Apache-2.0 */
/* fdb.h - the forwarding database of a hub: which address is at which port.
 *
 * Knows ports only as numbers: an index and the generation of that index, so that all addresses of
 * a port that left are void in the same instant, without a walk over the table. Readers take no
 * lock and must be between two quiescent points (a worker's turn); new and moved addresses take a
 * mutex. Known addresses are refreshed once a second, by one compare-and-swap.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/quiesce.h"
#include "core/base/types.h"
#include "core/hub/hub.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct fdb;

/* Index in the low 12 bits, generation above. */
typedef uint32_t fdb_port_id;

#define FDB_NONE UINT32_MAX

static inline unsigned
fdb_port_index(fdb_port_id id)
{
    return id & (HUB_MAX_PORTS - 1);
}

/* The key of an address in a VLAN (0: untagged); never 0 for an address that may be learned. */
static inline uint64_t
fdb_key(const uint8_t mac[6], uint16_t vlan)
{
    return (uint64_t)(vlan & 0xfff) << 48 | (uint64_t)mac[0] << 40 | (uint64_t)mac[1] << 32 |
           (uint64_t)mac[2] << 24 | (uint64_t)mac[3] << 16 | (uint64_t)mac[4] << 8 | mac[5];
}

/* q outlives the fdb. */
struct fdb *fdb_new(struct quiesce *q);
/* No reader may be inside. */
void fdb_free(struct fdb *fdb);

/* A port begins at a free index (below HUB_MAX_PORTS) and may have up to limit addresses. Any
 * thread. */
fdb_port_id fdb_port_add(struct fdb *fdb, unsigned index, unsigned limit);
/* Its addresses are void from here on. Any thread. */
void fdb_port_remove(struct fdb *fdb, fdb_port_id id);
/* How many addresses it has, those included that aged and were not swept yet. Any thread. */
unsigned fdb_port_macs(const struct fdb *fdb, fdb_port_id id);

/* Where the address is, or FDB_NONE if that is not known or too long ago. The caller asks whether
 * the port is still there. Workers. */
fdb_port_id fdb_lookup(const struct fdb *fdb, uint64_t key, uint32_t now_s, uint32_t ageing_s);
/* Whether the address is known at this port; then its age is 0 again. Workers. */
bool fdb_refresh(struct fdb *fdb, uint64_t key, fdb_port_id id, uint32_t now_s);

enum fdb_verdict {
    FDB_LEARNED,
    FDB_PORT_FULL,  /* the port has as many as it may have */
    FDB_TABLE_FULL, /* the hub has HUB_MAX_FDB addresses, none of them aged */
};
/* What fdb_learn() would say without looking long: FDB_LEARNED if it is worth the call, and after a
 * limit was hit the same answer for a while. Takes no lock. Workers. */
enum fdb_verdict fdb_may_learn(const struct fdb *fdb, fdb_port_id id, uint32_t now_s) MUST_CHECK;
/* Learns a new or moved address. Takes the writer's lock. Workers. */
enum fdb_verdict fdb_learn(struct fdb *fdb, uint64_t key, fdb_port_id id, uint32_t now_s,
                           uint32_t ageing_s) MUST_CHECK;

/* Frees part of what aged or lost its port; a whole round takes at most 64 calls. Does nothing if
 * somebody else holds the lock. Meant for once a second. Workers. */
void fdb_sweep_some(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s);
unsigned fdb_count(const struct fdb *fdb); /* any thread */

struct fdb_row {
    uint64_t key;
    fdb_port_id port;
    uint32_t created_s, seen_s;
    uint32_t serial; /* names the row for fdb_forget() */
};
/* All that is neither aged nor void. Any thread. */
GArray *fdb_list(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s);
bool fdb_forget(struct fdb *fdb, uint32_t serial);
