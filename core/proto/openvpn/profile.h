/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - a complete .ovpn file for a client: remotes, authority, control channel key, ciphers.
 */
#pragma once

#include "core/proto/openvpn/wrap.h"

#include <glib.h>

struct ovpn_profile {
    const char *host;
    uint16_t udp_port, tcp_port; /* 0: not offered; UDP is tried first */
    bool tap;
    const char *ca_pem;
    enum ovpn_wrap_kind wrap;
    const char *wrap_pem;           /* static key, or the client's tls-crypt-v2 key */
    const char *digest;             /* for tls-auth; or NULL */
    const char *ciphers;            /* "AES-256-GCM:AES-128-GCM:..." */
    bool password;                  /* asks for user name and password */
    const char *cert_pem, *key_pem; /* or NULL */
    const char *hub;                /* named in a comment; or NULL */
};
/* Text; wipe and g_free it when it has a key inside. */
GString *ovpn_profile_write(const struct ovpn_profile *p);
