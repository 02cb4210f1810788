/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - the security policy of a port, compiled into what is asked of each frame.
 *
 * Made when the port attaches and constant but for what it counts; NULL where the policy asks for
 * nothing, so that such a port pays one branch. The port's home worker.
 *
 * Way in (from the session): filters by kind, the access VLAN, whether the sender may use its
 * addresses (ip_table.h). Way out (to the session): filters by kind, the VLAN, router
 * advertisements that lose their default route. "All frames of a kind" in the policy means both
 * ways; what speaks of a server behind the session, only the way from it.
 *
 * The session sees frames without the tag of its access VLAN, so filters judge them without it.
 */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/log.h"
#include "core/base/policy.h"
#include "core/base/types.h"
#include "core/hub/law/kinds.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GATE_HOST_IP4 = 4,  /* IPv4 addresses of a session that may not route */
    GATE_HOST_IP6 = 16, /* IPv6 addresses: privacy extensions make some (RFC 8981) */
    GATE_LOG_BURST = 5,
    GATE_N_FILTERS = 16,
};

/* A policy item and the kinds that it forbids. */
struct gate_filter {
    uint32_t kinds;
    uint8_t item; /* enum policy_item */
};

struct gate_filters {
    uint32_t kinds; /* of all */
    unsigned n;
    struct gate_filter filter[GATE_N_FILTERS];
};

struct gate {
    struct gate_filters in, out;
    uint16_t vlan;        /* the access VLAN; 0: none */
    bool mute_routers;    /* router advertisements to the session get lifetime 0 */
    uint8_t mute_item;    /* why */
    bool check_mac;       /* what another port uses is refused */
    uint8_t max_mac_item; /* which item bounds the number of MAC addresses; 0: none */
    /* What is asked of IP addresses of the sender. */
    bool asks_ip; /* one of the next */
    bool check_ip4, check_ip6, dhcp_only;
    uint32_t max_ip4, max_ip6; /* 0: no limit */
    uint8_t max_ip4_item, max_ip6_item;

    uint64_t refused[POLICY_N_ITEMS]; /* frames, by item */
    uint64_t untold;                  /* a bit for each item that refused since the last look */
    struct log_limit log;
};

/* over_ip6: the tunnel itself runs over IPv6. NULL if the policy asks for nothing here. */
struct gate *gate_new(const struct policy *policy, bool over_ip6);
void gate_free(struct gate *g);

/* Whether kinds_of() matters to this gate at all: before that flow_parse() need not be called. */
static inline bool
gate_looks_in(const struct gate *g)
{
    return g->in.kinds != 0;
}

static inline bool
gate_looks_out(const struct gate *g)
{
    return g->out.kinds != 0 || g->mute_routers;
}

/* A frame was refused: counts the item. Returns DROP_POLICY. */
enum drop gate_refuse(struct gate *g, enum policy_item item);
/* Whether a frame of these kinds may pass. DROP_NONE or DROP_POLICY, counted. */
enum drop gate_judge_in(struct gate *g, uint32_t kinds) MUST_CHECK;
enum drop gate_judge_out(struct gate *g, uint32_t kinds) MUST_CHECK;

/* Puts the tag of the access VLAN on; takes the frame. NULL: *why it is lost. tpid: type of tags
 * in this hub. */
struct frame *gate_tag(struct gate *g, struct frame_pool *pool, struct frame *f, uint16_t tpid,
                       enum drop *why) MUST_CHECK;
/* Takes it off; a frame with another tag or none is not for this port (DROP_ISOLATION). */
struct frame *gate_untag(struct gate *g, struct frame_pool *pool, struct frame *f, uint16_t tpid,
                         enum drop *why) MUST_CHECK;
/* A router advertisement whose default route is taken away (router lifetime 0, RFC 4861, 4.2),
 * checksum included; a shared frame is copied. NULL: no buffer. Other frames as they are. */
struct frame *
gate_mute_router(struct frame_pool *pool, struct frame *f, const struct flow *flow) MUST_CHECK;

/* What refused frames since the last call, if it is time for a log line: "items=NAME,NAME" in out;
 * false if there is nothing to tell. */
bool gate_tell(struct gate *g, int64_t now_us, char *out, size_t cap, unsigned *left_out);
