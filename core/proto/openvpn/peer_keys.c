/* SPDX-License-Identifier: Apache-2.0 */
/* peer_keys.c - the keys of a peer, one after the other.
 *
 * Ids are 0 for the first and then 1 to 7 in turn. A renewed key takes over the sending once the
 * client has acknowledged all that it needs to have it, and auth has said yes again; the old one
 * goes on receiving for OVPN_LAME_S, since the client may use it still.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/peer.h"

enum {
    KEY_ID_MAX = 7,
    CONTROL_HEADER = 1 + OVPN_SID + 1 + 4 * OVPN_PIGGYBACK_ACKS + OVPN_SID + 4,
    RENEW_AGAIN_S = 60, /* after one that came to nothing */
};

struct ovpn_key *
ovpn_key_new(struct ovpn_peer *p, uint8_t id, int64_t now_us)
{
    size_t room = OVPN_CONTROL_MAX - CONTROL_HEADER - ovpn_wrap_overhead(&p->wrap);
    SSL_CTX *ctx = ovpn_server_ctx(p->server);
    struct ovpn_channel *ch = ctx ? ovpn_channel_new(ctx, MIN(room, OVPN_PAYLOAD_MAX)) : NULL;

    if (ctx)
        SSL_CTX_free(ctx);
    if (!ch)
        return NULL;
    struct ovpn_key *k = g_new0(struct ovpn_key, 1);
    k->id = id;
    k->channel = ch;
    k->born_us = now_us;
    p->last_key_id = id;
    return k;
}

static void
stop_agreeing(struct ovpn_peer *p, struct ovpn_key *k)
{
    if (k->ticket)
        auth_cancel(p->server->config.auth, k->ticket);
    k->ticket = 0;
    if (k->km2_part) {
        secret_wipe(k->km2_part->data, k->km2_part->len);
        g_byte_array_unref(g_steal_pointer(&k->km2_part));
    }
    g_clear_pointer(&k->channel, ovpn_channel_free);
}

void
ovpn_key_free(struct ovpn_peer *p, struct ovpn_key *k)
{
    if (!k)
        return;
    stop_agreeing(p, k);
    ovpn_data_free(k->data);
    g_free(k);
}

struct ovpn_key *
ovpn_peer_key(const struct ovpn_peer *p, uint8_t id)
{
    if (p->primary && p->primary->id == id)
        return p->primary;
    if (p->fresh && p->fresh->id == id)
        return p->fresh;
    return p->lame && p->lame->id == id ? p->lame : NULL;
}

/* ---- renewing ---- */

static struct ovpn_key *
begin_fresh(struct ovpn_peer *p, uint8_t id, int64_t now_us)
{
    if (p->lame && p->lame->id == id)
        ovpn_key_free(p, g_steal_pointer(&p->lame));
    p->fresh = ovpn_key_new(p, id, now_us);
    if (p->fresh) /* both sides say this, whoever began */
        ovpn_reliable_send(&p->fresh->channel->reliable, OVPN_SOFT_RESET_V1, NULL, 0, now_us);
    return p->fresh;
}

struct ovpn_key *
ovpn_peer_soft_reset(struct ovpn_peer *p, uint8_t id, int64_t now_us)
{
    if (p->state != OVPN_PEER_UP || id == 0)
        return NULL;
    if (id == p->primary->id)
        return p->primary; /* late; it only wants to be acknowledged */
    if (p->fresh)
        return p->fresh->id == id ? p->fresh : NULL;
    if (now_us - p->soft_reset_us < OVPN_SOFT_RESET_MS * 1000)
        return NULL;
    p->soft_reset_us = now_us;
    return begin_fresh(p, id, now_us);
}

void
ovpn_peer_renew(struct ovpn_peer *p, int64_t now_us)
{
    if (p->state != OVPN_PEER_UP || p->fresh)
        return;
    p->primary->until_us = now_us + (OVPN_HANDSHAKE_S + RENEW_AGAIN_S) * G_USEC_PER_SEC;
    (void)begin_fresh(p, (uint8_t)(p->last_key_id % KEY_ID_MAX + 1), now_us);
}

void
ovpn_peer_promote(struct ovpn_peer *p, int64_t now_us)
{
    uint32_t reneg_s = p->rules->settings->reneg_s;
    bool first = !p->primary;

    ovpn_key_free(p, p->lame);
    p->lame = g_steal_pointer(&p->primary);
    if (p->lame) {
        stop_agreeing(p, p->lame);
        p->lame->until_us = now_us + OVPN_LAME_S * G_USEC_PER_SEC;
    }
    p->primary = g_steal_pointer(&p->fresh);
    if (reneg_s > 0 && first) /* not all clients of an hour at once */
        reneg_s -= random_range(0, reneg_s / 10);
    p->primary->until_us = reneg_s > 0 ? now_us + reneg_s * (int64_t)G_USEC_PER_SEC : INT64_MAX;
}

void
ovpn_peer_try_promote(struct ovpn_peer *p, int64_t now_us)
{
    const struct ovpn_key *k = p->fresh;

    if (p->state == OVPN_PEER_UP && k && k->verified && ovpn_channel_is_quiet(k->channel)) {
        log_debug("OpenVPN: renewed the key", "session=%s key=%u", p->session->name, k->id);
        ovpn_peer_promote(p, now_us);
        ovpn_data_set_mss(p);
    }
}

/* ---- time ---- */

static int64_t
fresh_until_us(const struct ovpn_peer *p)
{
    const struct ovpn_key *k = p->fresh;
    int64_t waits_us = k->ticket ? OVPN_ASKING_S * G_USEC_PER_SEC : k->waited_us;

    return k->born_us + OVPN_HANDSHAKE_S * G_USEC_PER_SEC + waits_us;
}

bool
ovpn_peer_check_keys(struct ovpn_peer *p, int64_t now_us)
{
    if (p->lame && now_us >= p->lame->until_us)
        ovpn_key_free(p, g_steal_pointer(&p->lame));
    if (p->fresh && now_us >= fresh_until_us(p)) {
        if (!p->primary) {
            ovpn_peer_end(p, PE_SESSION_TIMEOUT);
            return false;
        }
        ovpn_key_free(p, g_steal_pointer(&p->fresh));
    }
    if (p->primary && now_us >= p->primary->until_us)
        ovpn_peer_renew(p, now_us);
    return true;
}

int64_t
ovpn_peer_keys_deadline(const struct ovpn_peer *p)
{
    const struct ovpn_key *const keys[] = {p->primary, p->fresh};
    int64_t due = INT64_MAX;

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        int64_t at = keys[i] ? ovpn_reliable_deadline(&keys[i]->channel->reliable) : 0;
        if (at > 0)
            due = MIN(due, at);
    }
    if (p->fresh)
        due = MIN(due, fresh_until_us(p));
    if (p->lame)
        due = MIN(due, p->lame->until_us);
    if (p->state == OVPN_PEER_UP)
        due = MIN(due, p->primary->until_us);
    return due;
}
