/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h - a virtual Ethernet switch: its life, its settings, what can be seen of it.
 *
 * Control makes and ends hubs; ports (hub_port.h) count references. Settings are
 * independent of each other and simply replaced. Two hubs share nothing.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/drop.h"
#include "core/base/worker.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    HUB_NAME_MAX = 255,
    HUB_MAX_PORTS = 4096,
    HUB_MAX_FDB = 65536,
    HUB_AGEING_S = 600,
    HUB_STORM_PPS = 1000, /* broadcast and multicast frames a second a port may send */
    HUB_STORM_BURST = 2000,
    HUB_SECRET_LEN = 32,
    HUB_MESSAGE_MAX = 20000, /* characters */
};

struct hub_config {
    char *name; /* case is kept, compared without */
    bool online;
    bool no_enum;          /* not in lists for strangers */
    unsigned max_sessions; /* 0: no limit but HUB_MAX_PORTS */
    unsigned max_clients;  /* of them, sessions that are no bridges; 0: no limit */
    unsigned max_bridges;  /* and those that are; 0: no limit */
    unsigned ageing_s;     /* 0: HUB_AGEING_S */
    unsigned storm_pps;    /* 0: HUB_STORM_PPS */
};

struct hub;

struct hub *hub_new(struct worker_set *workers, const struct hub_config *config);
/* Control: no new ports, all sessions are asked to stop (PE_HUB_STOPPING), drops control's
 * reference. */
void hub_destroy(struct hub *hub);
struct hub *hub_ref(struct hub *hub);
void hub_unref(struct hub *hub);

struct worker_set *hub_workers(const struct hub *hub);
const char *hub_name(const struct hub *hub);
bool hub_is_online(const struct hub *hub);
bool hub_is_listed(const struct hub *hub);
/* Control. The name stays. Going offline asks all sessions to stop. */
void hub_set_config(struct hub *hub, const struct hub_config *config);

/* What clients that can show something are told after the login: the message of the day. Any
 * thread. UTF-8, may be empty; NULL is taken as "". */
void hub_set_message(struct hub *hub, const char *text);
char *hub_message(struct hub *hub); /* g_free */

/* An Ethernet address for a session that has none: the same each time for one user and device (or
 * NULL) of this hub and secret (hubs_set_secret), and no other's as long as it is claimed; a second
 * session of the same two gets the next one of theirs. Any thread. */
void hub_mac_claim(struct hub *hub, const char *user, const char *device, struct mac *out);
void hub_mac_release(struct hub *hub, const struct mac *mac);

struct hub_traffic {
    uint64_t unicast_frames, unicast_bytes, broadcast_frames, broadcast_bytes;
};
struct hub_stats {
    struct hub_traffic in, out; /* as the hub's ports received and sent */
    uint64_t dropped[DROP_N_REASONS];
    uint64_t fdb_full; /* frames that were forwarded, but their source not learned: no room */
    unsigned ports, sessions, fdb_entries, ip_entries;
    int64_t created_ms, last_comm_ms;
    unsigned logins;
};
/* Sums what the ports count, the ended ones included. Any thread but workers. */
void hub_get_stats(struct hub *hub, struct hub_stats *out);

struct frame;
struct look;
struct hub_port;

/* Somebody who looks at what passes through a hub: a log, a capture. */
struct hub_sight {
    const struct frame *frame; /* borrowed; frame_ref() to keep it */
    const struct look *look;   /* core/hub/look.h; of this batch */
    const struct hub_port *to; /* NULL: flooded */
};
struct hub_tap {
    /* Frames that came in at a port and are about to be sent. On the port's worker: must not block,
     * and must not change frames. */
    void (*seen)(void *owner, const struct hub_port *in, const struct hub_sight *sights, unsigned n,
                 int64_t now_us);
    /* After the tap was taken off and nobody is inside seen() any more; any thread. */
    void (*gone)(void *owner);
    void *owner;
};
/* Control. One tap a hub: the one before is taken off. NULL: none. */
void hub_set_tap(struct hub *hub, const struct hub_tap *tap);

struct hub_options;
/* Extended options (core/hub/law/options.h), which a hub has from the start with their defaults.
 * Both: control. */
void hub_set_options(struct hub *hub, const struct hub_options *options);
void hub_get_options(struct hub *hub, struct hub_options *out);
/* Those in force, for this turn of a worker. */
const struct hub_options *hub_options(const struct hub *hub);

struct hub_fdb_row {
    struct mac mac;
    uint16_t vlan;
    char port[128]; /* name of the port: the session's name */
    int64_t created_ms, updated_ms;
    uint32_t key; /* names the row for hub_fdb_forget() */
};
/* Snapshot of the MAC table; free with g_array_unref. Control. */
GArray *hub_fdb_list(struct hub *hub);
bool hub_fdb_forget(struct hub *hub, uint32_t key);

struct hub_ip_row {
    struct ip ip;
    struct mac mac;
    uint16_t vlan;
    bool given; /* by a DHCP server in the hub */
    char port[128];
    int64_t created_ms, updated_ms;
    uint32_t key; /* names the row for hub_ip_forget() */
};
/* Snapshot of the table of IP addresses; free with g_array_unref. Control. */
GArray *hub_ip_list(struct hub *hub);
bool hub_ip_forget(struct hub *hub, uint32_t key);
