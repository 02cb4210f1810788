/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - the settings of the OpenVPN server, and the counted copy that its workers share. */

#include "core/proto/openvpn/server_priv.h"

#include <stdatomic.h>

enum { PING_S = 10, PING_RESTART_S = 60, RENEG_S = 3600, TUN_MTU = 1500 };

struct openvpn_settings *
openvpn_settings_new(void)
{
    struct openvpn_settings *s = g_new0(struct openvpn_settings, 1);

    s->enabled = true;
    s->plain_control = true;
    s->cipher[s->n_ciphers++] = OVPN_AES_256_GCM;
    s->cipher[s->n_ciphers++] = OVPN_AES_128_GCM;
    s->cipher[s->n_ciphers++] = OVPN_CHACHA20_POLY1305;
    s->redirect_gateway = true;
    s->ping_s = PING_S;
    s->ping_restart_s = PING_RESTART_S;
    s->reneg_s = RENEG_S;
    s->tun_mtu = TUN_MTU;
    return s;
}

struct openvpn_settings *
openvpn_settings_copy(const struct openvpn_settings *s)
{
    struct openvpn_settings *copy = g_new(struct openvpn_settings, 1);

    *copy = *s;
    copy->default_hub = g_strdup(s->default_hub);
    for (unsigned i = 0; i < G_N_ELEMENTS(s->wrap); i++)
        copy->wrap[i] = s->wrap[i] ? ovpn_wrap_key_ref(s->wrap[i]) : NULL;
    return copy;
}

void
openvpn_settings_free(struct openvpn_settings *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < G_N_ELEMENTS(s->wrap); i++)
        ovpn_wrap_key_unref(s->wrap[i]);
    g_free(s->default_hub);
    g_free(s);
}

/* ---- shared ---- */

struct ovpn_rules *
ovpn_rules_new(const struct openvpn_settings *s)
{
    struct ovpn_rules *r = g_new0(struct ovpn_rules, 1);

    atomic_init(&r->refs, 1);
    r->settings = openvpn_settings_copy(s);
    return r;
}

struct ovpn_rules *
ovpn_rules_ref(struct ovpn_rules *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void
ovpn_rules_unref(struct ovpn_rules *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    openvpn_settings_free(r->settings);
    g_free(r);
}

struct ovpn_wrap_key *
ovpn_rules_wrap(const struct ovpn_rules *r, enum ovpn_wrap_kind kind)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(r->settings->wrap); i++) {
        struct ovpn_wrap_key *key = r->settings->wrap[i];
        if (key && ovpn_wrap_key_kind(key) == kind)
            return key;
    }
    return NULL;
}
