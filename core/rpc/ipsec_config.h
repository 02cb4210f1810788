/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_config.h - how IPsec and L2TP are set, as the record of the API (GetIPsecServices), in the
 * store; and the static sessions of routers as text. */
#pragma once

#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

/* Secrets in the store. */
#define IPSEC_SECRET_PSK    "ipsec.psk"
#define IPSEC_SECRET_TUNNEL "l2tp.secret"

enum { IPSEC_COOKIE_MAX = 8 };

/* Words in Weak_str, in the order of the bits of the IKE server. */
extern const char *const ipsec_weak_names[]; /* ends with NULL */
unsigned ipsec_weak_bits(const char *list);

/* What is stored, over the defaults, without secrets; never NULL. */
struct record *ipsec_config_load(struct store *s);
/* Checks it. */
bool ipsec_config_save(struct store *s, const struct record *options, GError **error);

/* A static session of L2TPv3: "LOCAL:PEER:COOKIE:COOKIE:SUBLAYER". */
struct ipsec_static {
    uint32_t local_session, peer_session;
    uint8_t local_cookie[IPSEC_COOKIE_MAX], peer_cookie[IPSEC_COOKIE_MAX];
    size_t local_cookie_len, peer_cookie_len;
    bool sublayer;
};
/* False: the text is of none. */
bool ipsec_static_parse(const char *text, struct ipsec_static *out);
char *ipsec_static_print(const struct ipsec_static *s); /* g_free */
