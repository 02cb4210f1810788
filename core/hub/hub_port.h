/* SPDX-License-Identifier: Apache-2.0 */
/* hub_port.h - the place where something (a session, a bridge, later a NAT) is plugged into a hub.
 *
 * A port lives on one worker, its home: hub_port_receive() is called there, and ops->deliver()
 * comes there. It is made and detached there too. References keep the memory alive for batches that
 * are on their way; after hub_detach() returns, deliver() is not called any more.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/policy.h"
#include "core/base/tube.h"
#include "core/hub/hub.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct hub_port;

struct hub_port_ops {
    /* Frames that leave the hub here. Consumes the batch. Must not detach any port from inside:
     * defer that. Frames may be shared: frame_own() before changing bytes. Frames come with their
     * offload marks, super-frames whole: the port segments (core/net/segment.h) and completes
     * checksums itself, as its wire needs. */
    void (*deliver)(struct hub_port *port, struct batch *b, int64_t now_us);
};

enum hub_port_kind {
    HUB_PORT_SESSION,
    HUB_PORT_BRIDGE,
    HUB_PORT_CASCADE,
    HUB_PORT_NAT,
    HUB_PORT_L3SWITCH
};

struct hub_port_config {
    const char *name; /* unique in the hub; shown in the MAC table */
    enum hub_port_kind kind;
    struct policy policy;
    const char *user, *group; /* that access rules know it by; NULL: by its kind, or not at all */
    struct ip client;         /* where it comes from; family 0: nowhere */
    bool over_ip6;            /* the tunnel runs over IPv6 */
    unsigned max_frame; /* longest frame without VLAN tag that may leave here, super-frames by their
                           segments; 0: 1514 */
    bool monitor;       /* gets a copy of all that passes, and may send nothing */
};

/* Own thread of home (== worker_current()). NULL and error: hub offline (PE_HUB_STOPPING), full
 * (PE_HUB_FULL), policy forbids (PE_ACCESS_DENIED). */
struct hub_port *hub_attach(struct hub *hub, const struct hub_port_config *config,
                            const struct hub_port_ops *ops, void *owner, GError **error);
/* Takes the port out: its addresses leave the FDB at once. Drops the attacher's reference. */
void hub_detach(struct hub_port *port);

void *hub_port_owner(const struct hub_port *port);
struct hub *hub_port_hub(const struct hub_port *port);
const char *hub_port_name(const struct hub_port *port);
struct worker *hub_port_worker(const struct hub_port *port);

/* Frames that enter the hub here. Consumes the batch. Judged, learned, forwarded; runs on home,
 * takes no lock except for addresses that are new or moved. A deliver() may call it for its own
 * port; what then comes back to a port that is still in here is dropped (DROP_QUEUE_FULL). */
void hub_port_receive(struct hub_port *in, struct batch *b, int64_t now_us);

/* Bits a second that may come in and go out; 0: no limit. Begins with the policy's MaxUpload and
 * MaxDownload and may change at any time. What is too much waits a while (core/hub/shape/shaper.h)
 * and is then lost (DROP_LIMIT). qos: urgent frames go first. Home, not from inside deliver(). */
void hub_port_set_speed(struct hub_port *port, uint64_t in_bits, uint64_t out_bits, bool qos);

/* Frees the frame and counts why: for losses on the port's own way out or in. Home. */
void hub_port_drop(struct hub_port *port, struct frame *f, enum drop why);
void hub_port_count_drop(struct hub_port *port, enum drop why, unsigned n);

struct hub_port_stats {
    struct hub_traffic in, out;
    uint64_t dropped[DROP_N_REASONS];
    unsigned macs;
};
void hub_port_get_stats(const struct hub_port *port, struct hub_port_stats *out); /* any thread */
