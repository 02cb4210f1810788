/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - see gate.h. */

#include "core/hub/law/gate.h"

#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum { VID_MASK = 0x0fff, RA_AT_CHECKSUM = 2, RA_AT_LIFETIME = 6, RA_HEADER = 16 };

/* ---- compiling ---- */

/* Filters: which kinds each item forbids, from the session and to it. All that filter IP refuse
 * what could hide it, too. */
static const struct {
    uint8_t item;
    uint32_t in, out;
} filters[] = {
    {POLICY_DHCPFilter, KIND_DHCP4 | KIND_HIDDEN, KIND_DHCP4 | KIND_HIDDEN},
    {POLICY_DHCPNoServer, KIND_OFFER4 | KIND_HIDDEN, 0},
    {POLICY_ArpDhcpOnly, KIND_CHATTER, KIND_CHATTER},
    /* What the session's hosts would accept never reaches them; and no answer of theirs gets out,
     * however the question came. */
    {POLICY_NoServer, KIND_ACCEPT4 | KIND_HIDDEN, KIND_SYN4 | KIND_HIDDEN},
    {POLICY_NoServerV6, KIND_ACCEPT6 | KIND_HIDDEN, KIND_SYN6 | KIND_HIDDEN},
    {POLICY_RSandRAFilter, KIND_RS | KIND_RA | KIND_HIDDEN, KIND_RS | KIND_RA | KIND_HIDDEN},
    {POLICY_RAFilter, KIND_RA | KIND_HIDDEN, 0},
    {POLICY_DHCPv6Filter, KIND_DHCP6 | KIND_HIDDEN, KIND_DHCP6 | KIND_HIDDEN},
    {POLICY_DHCPv6NoServer, KIND_OFFER6 | KIND_HIDDEN, 0},
    {POLICY_FilterIPv4, KIND_IP4 | KIND_ARP | KIND_HIDDEN, KIND_IP4 | KIND_ARP | KIND_HIDDEN},
    {POLICY_FilterIPv6, KIND_IP6 | KIND_HIDDEN, KIND_IP6 | KIND_HIDDEN},
    {POLICY_FilterNonIP, KIND_OTHER | KIND_TAGGED, KIND_OTHER | KIND_TAGGED},
};
_Static_assert(sizeof(filters) / sizeof(filters[0]) <= GATE_N_FILTERS, "room for all filters");

static bool
is_set(const struct policy *policy, enum policy_item item)
{
    switch (item) {
#define X(name, kind, value) \
    case POLICY_##name:      \
        return policy->name != 0;
        POLICY_ITEMS(X)
#undef X
    case POLICY_N_ITEMS:
        break;
    }
    return false;
}

static void
add_filter(struct gate_filters *to, uint32_t kinds, uint8_t item)
{
    if (kinds == 0)
        return;
    to->kinds |= kinds;
    to->filter[to->n++] = (struct gate_filter){kinds, item};
}

/* The smaller of two limits, of which 0 is none. */
static void
limit(uint32_t *max, uint8_t *item, uint32_t at_most, enum policy_item by)
{
    if (at_most == 0 || (*max > 0 && *max <= at_most))
        return;
    *max = at_most;
    *item = (uint8_t)by;
}

static void
compile_addresses(struct gate *g, const struct policy *policy)
{
    g->check_mac = policy->CheckMac;
    if (policy->NoBridge)
        g->max_mac_item = POLICY_NoBridge;
    if (policy->MaxMac > 0)
        g->max_mac_item = POLICY_MaxMac;
    g->check_ip4 = policy->CheckIP;
    g->check_ip6 = policy->CheckIPv6;
    g->dhcp_only = policy->DHCPForce;
    limit(&g->max_ip4, &g->max_ip4_item, policy->MaxIP, POLICY_MaxIP);
    limit(&g->max_ip6, &g->max_ip6_item, policy->MaxIPv6, POLICY_MaxIPv6);
    limit(&g->max_ip4, &g->max_ip4_item, policy->NoRouting ? GATE_HOST_IP4 : 0, POLICY_NoRouting);
    limit(&g->max_ip6, &g->max_ip6_item, policy->NoRoutingV6 ? GATE_HOST_IP6 : 0,
          POLICY_NoRoutingV6);
    g->asks_ip = g->check_ip4 || g->check_ip6 || g->dhcp_only || g->max_ip4 > 0 || g->max_ip6 > 0;
}

struct gate *
gate_new(const struct policy *policy, bool over_ip6)
{
    struct gate g = {.vlan = (uint16_t)(policy->VLanId & VID_MASK)};
    for (unsigned i = 0; i < ARRAY_LEN(filters); i++) {
        if (!is_set(policy, filters[i].item))
            continue;
        add_filter(&g.in, filters[i].in, filters[i].item);
        add_filter(&g.out, filters[i].out, filters[i].item);
    }
    if (policy->NoIPv6DefaultRouterInRA) {
        g.mute_routers = true;
        g.mute_item = POLICY_NoIPv6DefaultRouterInRA;
    } else if (policy->NoIPv6DefaultRouterInRAWhenIPv6 && over_ip6) {
        g.mute_routers = true;
        g.mute_item = POLICY_NoIPv6DefaultRouterInRAWhenIPv6;
    }
    compile_addresses(&g, policy);
    if (g.in.n == 0 && g.out.n == 0 && !g.mute_routers && !g.asks_ip && !g.check_mac &&
        g.max_mac_item == 0 && g.vlan == 0)
        return NULL;
    return g_memdup2(&g, sizeof(g));
}

void
gate_free(struct gate *g)
{
    g_free(g);
}

/* ---- judging ---- */

enum drop
gate_refuse(struct gate *g, enum policy_item item)
{
    g->refused[item]++;
    g->untold |= UINT64_C(1) << item;
    return DROP_POLICY;
}

static enum drop
judge(struct gate *g, const struct gate_filters *all, uint32_t kinds)
{
    if (!(all->kinds & kinds))
        return DROP_NONE;
    unsigned i = 0;
    while (i + 1 < all->n && !(all->filter[i].kinds & kinds))
        i++;
    return gate_refuse(g, all->filter[i].item);
}

enum drop
gate_judge_in(struct gate *g, uint32_t kinds)
{
    return judge(g, &g->in, kinds);
}

enum drop
gate_judge_out(struct gate *g, uint32_t kinds)
{
    return judge(g, &g->out, kinds);
}

/* ---- the access VLAN ---- */

/* What the first tag of a frame says, false if it has none. */
static bool
first_tag(const struct frame *f, uint16_t tpid, uint16_t *tci)
{
    struct reader r = reader_of(f->data, f->len);
    (void)reader_take(&r, 2 * sizeof(struct mac));
    uint16_t type = reader_u16(&r);
    *tci = reader_u16(&r);
    return reader_ok(&r) && (type == tpid || eth_type_is_tag(type));
}

static void
move_marks(struct frame *f, int by)
{
    if (f->csum_start > 0 && f->csum_start + by > 0)
        f->csum_start = (uint16_t)(f->csum_start + by);
}

struct frame *
gate_tag(struct gate *g, struct frame_pool *pool, struct frame *f, uint16_t tpid, enum drop *why)
{
    uint16_t tci = 0;
    bool has_tag = first_tag(f, tpid, &tci);
    *why = DROP_NONE;
    if (has_tag && (tci & VID_MASK) != 0) {
        *why = gate_refuse(g, POLICY_VLanId);
        frame_free(f);
        return NULL;
    }
    f = frame_own(pool, f);
    if (!f) {
        *why = DROP_NO_BUFFER;
        return NULL;
    }
    if (has_tag) { /* a priority without a VLAN (IEEE 802.1Q, 6.8): the priority stays */
        wire_put16(f->data + 12, tpid);
        wire_put16(f->data + 14, (uint16_t)(tci | g->vlan));
        return f;
    }
    uint8_t *at = frame_push(f, ETH_TAG);
    if (!at) {
        *why = DROP_NO_HEADROOM;
        frame_free(f);
        return NULL;
    }
    memmove(at, at + ETH_TAG, 2 * sizeof(struct mac));
    wire_put16(at + 12, tpid);
    wire_put16(at + 14, g->vlan);
    move_marks(f, ETH_TAG);
    return f;
}

struct frame *
gate_untag(struct gate *g, struct frame_pool *pool, struct frame *f, uint16_t tpid, enum drop *why)
{
    uint16_t tci = 0;
    *why = DROP_NONE;
    if (!first_tag(f, tpid, &tci) || (tci & VID_MASK) != g->vlan) {
        *why = DROP_ISOLATION;
        frame_free(f);
        return NULL;
    }
    f = frame_own(pool, f);
    if (!f) {
        *why = DROP_NO_BUFFER;
        return NULL;
    }
    memmove(f->data + ETH_TAG, f->data, 2 * sizeof(struct mac));
    (void)frame_pull(f, ETH_TAG);
    move_marks(f, -ETH_TAG);
    return f;
}

/* ---- routers ---- */

struct frame *
gate_mute_router(struct frame_pool *pool, struct frame *f, const struct flow *fl)
{
    if (fl->l4 == 0 || fl->l4 + (size_t)RA_HEADER > MIN(fl->end, f->len))
        return f; /* no host takes it (RFC 4861, 6.1.2) */
    uint16_t lifetime = wire_get16(f->data + fl->l4 + RA_AT_LIFETIME);
    if (lifetime == 0)
        return f;
    f = frame_own(pool, f);
    if (!f)
        return NULL;
    uint8_t *ra = f->data + fl->l4;
    uint16_t csum = wire_get16(ra + RA_AT_CHECKSUM);
    wire_put16(ra + RA_AT_LIFETIME, 0);
    if (f->flags & FRAME_NEEDS_CSUM) /* it holds the pseudo header's sum alone */
        return f;
    wire_put16(ra + RA_AT_CHECKSUM, csum_update16(csum, lifetime, 0));
    return f;
}

/* ---- telling ---- */

bool
gate_tell(struct gate *g, int64_t now_us, char *out, size_t cap, unsigned *left_out)
{
    if (g->untold == 0 || !log_limit_pass(&g->log, GATE_LOG_BURST, now_us, left_out))
        return false;
    const char *before = "items=";
    out[0] = '\0';
    for (unsigned i = 0; i < POLICY_N_ITEMS; i++) {
        if (!(g->untold >> i & 1))
            continue;
        (void)g_strlcat(out, before, cap);
        before = ",";
        (void)g_strlcat(out, policy_item_name(i), cap);
    }
    g->untold = 0;
    return true;
}
