/* SPDX-License-Identifier: Apache-2.0 */
/* hub_priv.h - what the files of a hub share: the switch, its ports, their counters.
 *
 * Who touches what. A port's counters, rates and flags are its home worker's; others read the
 * counters. The list of ports is immutable: a change publishes a copy and retires the old one, so
 * forwarding follows it without a lock within a worker's turn. A listed port is kept alive by one
 * reference of the list's, which is given up a quiescent point after the port left the list;
 * whoever finds a port in a list may therefore take a reference, and when the last one goes nobody
 * can find the port any more. Locks: ports_lock, then the FDB's; sessions_lock alone.
 */
#pragma once

#include "core/base/rate.h"
#include "core/hub/fdb.h"
#include "core/hub/hub.h"
#include "core/hub/hub_access_priv.h"
#include "core/hub/hub_port.h"
#include "core/hub/law/gate.h"
#include "core/hub/law/ip_table.h"
#include "core/hub/law/options.h"
#include "core/hub/look.h"
#include "core/net/mss.h"

#include <stdatomic.h>

enum {
    HUB_HOST_MACS = 8,                  /* addresses of a session that may not bridge */
    HUB_MIN_MACS = 3,                   /* a limit below this is raised to it */
    HUB_SESSION_MACS = HUB_MAX_FDB / 4, /* of a session without a limit */
    HUB_LEARN_PPS = 2000,               /* new and moved addresses a second at a port */
    HUB_LEARN_BURST = 8000,
    HUB_DEFAULT_FRAME = 1514,
};

struct hub_counters {
    _Atomic uint64_t unicast_frames, unicast_bytes, broadcast_frames, broadcast_bytes;
};

struct hub_port {
    struct tube tube;
    struct hub *hub; /* counted */
    const struct hub_port_ops *ops;
    void *owner;
    fdb_port_id id;
    unsigned max_frame;
    bool isolated;    /* PrivacyFilter */
    bool monitor;     /* gets copies, sends nothing */
    bool storm_limit; /* unless NoBroadcastLimiter */
    bool attached;    /* home */
    bool receiving;   /* home: hub_port_receive() is on the stack */
    struct rate storm, learn;
    struct hub_limiter *limit_in, *limit_out; /* home; NULL: no limit */
    unsigned storm_pps;                       /* what storm was made for */
    atomic_uint refs;
    _Atomic uint32_t last_s; /* when it last received or sent; 0: never */
    struct hub_counters in, out;
    _Atomic uint64_t dropped[DROP_N_REASONS];
    char *name;
    enum hub_port_kind kind;
    struct acl_identity who;   /* for access rules; constant */
    struct ip client;          /* where it comes from; family 0: nowhere */
    struct hub_impair *impair; /* home; NULL: no access rule made its frames wait yet */

    struct gate *gate;      /* NULL: the policy asks nothing of frames */
    struct ip_watch *watch; /* NULL: it sends nothing */
    bool over_ip6;
    bool judges_out;            /* the gate wants to see what leaves */
    char *user;                 /* or NULL */
    _Atomic uint32_t last_in_s; /* when it last sent into the hub */
};

/* What all ports of a hub have to keep to; immutable once published. */
struct hub_law {
    struct hub_options options;
    uint32_t forbid; /* KIND_...: nobody sends these */
    struct mss mss;  /* 0: TCP agrees on what it likes */
};

struct hub_slot {
    struct hub_port *port; /* NULL: free */
    uint8_t worker;        /* index of its home */
    bool monitor, isolated;
};

/* Immutable once published. */
struct hub_ports {
    unsigned n_slots; /* a port's index is its slot */
    unsigned n;
    unsigned n_monitors;
    uint64_t workers; /* a bit for each that is home to a port that gets floods */
    struct hub_slot slot[];
};

/* Takes what is flooded to one worker, once, and gives it to all ports there: else each of a
 * thousand ports would need a place in the ring between the workers. */
struct hub_relay {
    struct tube tube;
    struct hub *hub;
    bool from_isolated; /* what comes here comes from such ports */
};

/* Ethernet addresses that the hub has given to sessions (hub_mac.c). */
struct hub_macs {
    GMutex lock;                    /* guards claimed */
    GHashTable *claimed;            /* of struct mac, as a set */
    uint8_t secret[HUB_SECRET_LEN]; /* constant once the hub is found */
};

void hub_macs_init(struct hub_macs *m);
void hub_macs_done(struct hub_macs *m);
void hub_macs_set_secret(struct hub_macs *m, const uint8_t secret[HUB_SECRET_LEN]);

struct hub {
    struct worker_set *workers;
    char *name;
    _Atomic(struct hub_ports *) ports;
    struct hub_relay *relay; /* two for each worker: hub_relay_of() */
    struct fdb *fdb;
    atomic_uint refs;

    /* Settings: independent of each other, so each is simply replaced. */
    atomic_bool online, no_enum;
    atomic_bool destroyed; /* never comes online again */
    atomic_uint max_sessions, max_clients, max_bridges, ageing_s, storm_pps;

    _Atomic(struct hub_tap *) tap; /* NULL: nobody looks */
    struct hub_access access;
    _Atomic(struct hub_law *) law; /* never NULL */
    struct ip_table *ip_table;

    _Atomic uint32_t swept_s;    /* who changes it sweeps the FDB a bit */
    _Atomic uint64_t fdb_full_n; /* frames forwarded whose source could not be learned */

    GMutex ports_lock;      /* who publishes a list; guards ended and ended_last_s */
    struct hub_stats ended; /* sums of the ports that left */
    uint32_t ended_last_s;

    GMutex sessions_lock; /* guards the next four */
    GPtrArray *sessions;  /* counted */
    uint32_t next_session;
    unsigned logins;
    char *message; /* NULL: none */

    struct hub_macs macs;
    int64_t created_ms;
    const struct hub_watch *watch; /* borrowed; NULL: nobody listens. Constant after creation */
};

static inline void
hub_count(_Atomic uint64_t *counter, uint64_t n)
{
    /* One writer: no need for a locked instruction. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint32_t
hub_second(int64_t now_us)
{
    return (uint32_t)(now_us / 1000000);
}

static inline struct hub_port *
hub_ports_at(const struct hub_ports *list, fdb_port_id id)
{
    unsigned index = fdb_port_index(id);
    struct hub_port *port = index < list->n_slots ? list->slot[index].port : NULL;
    return port && port->id == id ? port : NULL;
}

/* What a frame is on a wire: how many frames, and the longest of them without VLAN tags. */
struct hub_shape {
    unsigned frames;
    size_t longest;
};
/* DROP_MALFORMED if the marks of a super-frame contradict its headers. The frame has an Ethernet
 * header. */
enum drop hub_shape_of(const struct frame *f, struct hub_shape *out) MUST_CHECK;

/* Adds a frame to sums, which hub_count_traffic() then adds to counters. */
void hub_tally(struct hub_traffic *t, const struct frame *f, unsigned frames);
void hub_count_traffic(struct hub_counters *to, const struct hub_traffic *t);

/* The relays of a hub: made with it, and freed with it. */
struct hub_relay *hub_relays_new(struct hub *hub);
uint64_t hub_relays_dropped(const struct hub *hub);

/* ---- the law (hub_law.c); home ---- */

struct hub_law *hub_law_new(const struct hub_options *options);
void hub_law_attach(struct hub_port *port, const struct hub_port_config *config);
void hub_law_detach(struct hub_port *port);
void hub_law_done(struct hub_port *port); /* frees */

static inline const struct hub_law *
hub_law_of(const struct hub *hub)
{
    return atomic_load_explicit(&hub->law, memory_order_acquire);
}

/* Whether frames of this port have to be looked through and shown to hub_law_in(). */
static inline bool
hub_law_judges(const struct hub_law *law, const struct hub_port *in)
{
    const struct gate *g = in->gate;
    return law->forbid != 0 || law->mss.v4 != 0 ||
           (g && (gate_looks_in(g) || g->check_ip6 || g->vlan != 0));
}

/* Whether some isolated ports may talk to each other about something. */
static inline bool
hub_law_has_exceptions(const struct hub_law *law)
{
    const struct hub_options *o = &law->options;
    return o->AllowSameUserInPrivacyFilterMode || !o->DropBroadcastsInPrivacyFilterMode ||
           !o->DropArpInPrivacyFilterMode;
}
/* Whether two isolated ports may exchange this frame all the same (hub_flood.c). */
bool hub_may_talk(const struct hub_law *law, const struct hub_port *in, const struct hub_port *out,
                  const struct frame *f);

/* Judges a frame on its way in and puts the tag of the port's VLAN on. Takes the frame; NULL: *why
 * it is lost. The look follows what is changed. */
struct frame *hub_law_in(struct hub_port *in, const struct hub_law *law, struct frame *f,
                         struct look *look, int64_t now_us, enum drop *why) MUST_CHECK;
/* Whether the port may send from the addresses in this frame; src: its key in the FDB. Learns. */
enum drop hub_law_source(struct hub_port *in, const struct hub_law *law, const struct frame *f,
                         uint64_t src, int64_t now_us) MUST_CHECK;
/* Takes out what a port with judges_out may not get. */
void hub_law_out(struct hub_port *port, struct batch *b);
/* A line in the log if something was refused, not too often. */
void hub_law_tell(struct hub_port *port, int64_t now_us);

/* When something of the monotonic clock was, by the wall clock. */
int64_t hub_wall_ms(uint32_t then_s, int64_t now_us);

/* Where each frame of a batch goes. */
struct hub_flood {
    const struct hub_ports *list;
    const struct hub_port *in;
    const uint16_t *to; /* for each frame a slot, or HUB_TO_ALL */
    const struct hub_law *law;
    int64_t now_us;
};
enum { HUB_TO_ALL = HUB_MAX_PORTS, HUB_TO_NOBODY };
/* Sends a batch of which at least one frame goes to all; consumes it. */
void hub_flood(const struct hub_flood *flood, struct batch *b);
/* Sends frames to all whom the access rules let have them, asking for each receiver; consumes the
 * batch. looks: one for each frame. */
void hub_flood_apart(const struct hub_flood *flood, struct hub_judged *judged,
                     const struct look *const looks[], struct batch *b);

/* ---- speed (hub_limit.c); all on the port's home ---- */

typedef void hub_port_go(struct hub_port *port, struct batch *b, int64_t now_us);

/* What lies behind the limiters, on the way in and on the way out. */
hub_port_go hub_port_go_in, hub_port_go_out;

/* Makes, changes or, with 0 bits a second, takes away a limiter. Not from inside deliver(). */
void hub_limiter_set(struct hub_limiter **at, struct hub_port *port, hub_port_go *go,
                     uint64_t bits_per_s, bool qos);
/* False: the batch may pass as it is. True: it was taken, and what may go has gone on. */
bool hub_limiter_takes(struct hub_limiter *l, struct batch *b, int64_t now_us) MUST_CHECK;
/* Frees and counts what waits. NULL is fine. */
void hub_limiter_free(struct hub_limiter *l);

/* ---- what access rules do to what passes (hub_impair.c); home ---- */

struct acl_action;

/* Whether the action does anything to such a frame. */
bool hub_impairs(const struct acl_action *a, const struct flow *flow);
/* Does to a frame what a rule wants, and takes it. Not DROP_NONE: it is lost, and why. What is to
 * go back to the port is added to answers. */
enum drop hub_impair(struct hub_port *in, const struct acl_action *a, struct frame *f,
                     const struct flow *flow, int64_t now_us, struct batch *answers) MUST_CHECK;
/* Frees and counts what waits. */
void hub_impair_free(struct hub_port *port);
/* Where frames go on that have been judged already. */
hub_port_go hub_port_go_on;

struct hub_port *hub_port_ref(struct hub_port *port);
void hub_port_unref(struct hub_port *port);

/* Adds what a port counted. */
void hub_port_fold(const struct hub_port *port, struct hub_stats *into, uint32_t *last_s);
/* A loss at a port that has left: into the hub's sums. Any thread. */
void hub_count_ended_drop(struct hub *hub, enum drop why, uint64_t n);
/* Control: asks all sessions to stop. */
void hub_stop_sessions(struct hub *hub, int reason);
