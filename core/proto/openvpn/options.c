/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */

#include "core/proto/openvpn/options.h"

#include <string.h>

enum { TUN_MTU_DEFAULT = 1500, TUN_MTU_MAX = 65535 };

/* One piece of a list: at and len. False at its end. */
static bool
next_piece(const char **list, char separator, const char **at, size_t *len)
{
    if (**list == '\0')
        return false;
    *at = *list;
    const char *end = strchr(*list, separator);
    *len = end ? (size_t)(end - *list) : strlen(*list);
    *list += *len + (end ? 1 : 0);
    return true;
}

/* What follows the word, if the piece begins with it. */
static const char *
after(const char *piece, size_t len, const char *word, size_t *rest)
{
    size_t n = strlen(word);

    if (len < n || strncmp(piece, word, n) != 0)
        return NULL;
    *rest = len - n;
    return piece + n;
}

static void
copy_text(char *out, size_t cap, const char *at, size_t len)
{
    if (len >= cap)
        len = cap - 1;
    memcpy(out, at, len);
    out[len] = '\0';
}

static uint32_t
number(const char *at, size_t len, uint32_t most)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len && g_ascii_isdigit(at[i]) && v <= most; i++)
        v = v * 10 + (uint64_t)(at[i] - '0');
    return v > most ? most : (uint32_t)v;
}

static void
take_option(struct ovpn_client_says *out, const char *at, size_t len)
{
    size_t n = 0;
    const char *value;

    if ((value = after(at, len, "dev-type ", &n)))
        out->tap = n == 3 && strncmp(value, "tap", 3) == 0;
    else if ((value = after(at, len, "cipher ", &n)))
        out->cipher = ovpn_cipher_parse(value, n);
    else if ((value = after(at, len, "auth ", &n)))
        copy_text(out->digest, sizeof(out->digest), value, value[0] == '[' ? 0 : n);
    else if ((value = after(at, len, "tun-mtu ", &n)))
        out->tun_mtu = number(value, n, TUN_MTU_MAX);
    else if (len == strlen("comp-lzo") && after(at, len, "comp-lzo", &n))
        out->comp = true;
    else if (len == strlen("mtu-dynamic") && after(at, len, "mtu-dynamic", &n))
        out->fragment = true;
}

static void
take_info(struct ovpn_client_says *out, const char *at, size_t len)
{
    size_t n = 0;
    const char *value;

    if ((value = after(at, len, "IV_PROTO=", &n)))
        out->proto = number(value, n, UINT32_MAX);
    else if ((value = after(at, len, "IV_NCP=", &n)))
        out->ncp = number(value, n, UINT32_MAX) >= 2;
    else if ((value = after(at, len, "IV_CIPHERS=", &n)))
        copy_text(out->ciphers, sizeof(out->ciphers), value, n);
    else if ((value = after(at, len, "IV_MTU=", &n)))
        out->mtu = number(value, n, TUN_MTU_MAX);
    else if ((value = after(at, len, "IV_COMP_STUBv2=", &n)))
        out->stub_v2 = n == 1 && value[0] == '1';
    else if ((value = after(at, len, "IV_VER=", &n)))
        copy_text(out->version, sizeof(out->version), value, n);
    else if ((value = after(at, len, "IV_PLAT=", &n)))
        copy_text(out->platform, sizeof(out->platform), value, n);
    else if ((value = after(at, len, "IV_GUI_VER=", &n)))
        copy_text(out->gui, sizeof(out->gui), value, n);
    else if ((value = after(at, len, "IV_HWADDR=", &n)))
        copy_text(out->hwaddr, sizeof(out->hwaddr), value, n);
}

void
ovpn_client_says_parse(const char *options, const char *peer_info, struct ovpn_client_says *out)
{
    const char *at;
    size_t len;

    *out = (struct ovpn_client_says){.digest = "SHA1", .tun_mtu = TUN_MTU_DEFAULT};
    while (next_piece(&options, ',', &at, &len))
        take_option(out, at, len);
    while (next_piece(&peer_info, '\n', &at, &len))
        take_info(out, at, len);
}

/* ---- the answer ---- */

void
ovpn_options_mirror(const char *client, char *out, size_t cap)
{
    static const struct {
        const char *theirs, *ours;
    } pairs[] = {
        {"tls-client", "tls-server"},
        {"proto TCPv4_CLIENT", "proto TCPv4_SERVER"},
        {"proto TCPv6_CLIENT", "proto TCPv6_SERVER"},
        {"keydir 1", "keydir 0"},
        {"keydir 0", "keydir 1"},
    };
    const char *at;
    size_t len;
    size_t used = 0;

    out[0] = '\0';
    while (next_piece(&client, ',', &at, &len)) {
        for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
            if (len == strlen(pairs[i].theirs) && strncmp(at, pairs[i].theirs, len) == 0) {
                at = pairs[i].ours;
                len = strlen(at);
                break;
            }
        }
        if (used + len + 2 > cap)
            return;
        if (used > 0)
            out[used++] = ',';
        memcpy(out + used, at, len);
        used += len;
        out[used] = '\0';
    }
}

/* ---- ciphers ---- */

static bool
client_knows(const struct ovpn_client_says *says, enum ovpn_cipher c)
{
    const char *list = says->ciphers;
    const char *at;
    size_t len;

    while (next_piece(&list, ':', &at, &len))
        if (ovpn_cipher_parse(at, len) == c)
            return true;
    /* What the number two means; said by clients that list nothing. */
    bool by_ncp = says->ncp && (c == OVPN_AES_256_GCM || c == OVPN_AES_128_GCM);
    return by_ncp || c == says->cipher;
}

static bool
is_ours(const struct openvpn_settings *settings, enum ovpn_cipher c)
{
    for (unsigned i = 0; i < settings->n_ciphers; i++)
        if (settings->cipher[i] == c)
            return true;
    return false;
}

enum ovpn_cipher
ovpn_choose_cipher(const struct ovpn_client_says *says, const struct openvpn_settings *settings,
                   bool *tell)
{
    static const enum ovpn_cipher old[] = {OVPN_AES_256_CBC, OVPN_AES_192_CBC, OVPN_AES_128_CBC};

    *tell = says->ncp || says->ciphers[0] != '\0';
    if (!*tell) { /* it cannot be told: its own, or none */
        enum ovpn_cipher c = says->cipher;
        bool fine = c != OVPN_CIPHER_NONE_AGREED &&
                    (ovpn_cipher_is_aead(c) ? is_ours(settings, c) : settings->allow_cbc);
        return fine ? c : OVPN_CIPHER_NONE_AGREED;
    }
    for (unsigned i = 0; i < settings->n_ciphers; i++) {
        enum ovpn_cipher c = settings->cipher[i];
        if ((ovpn_cipher_is_aead(c) || settings->allow_cbc) && client_knows(says, c))
            return c;
    }
    for (unsigned i = 0; settings->allow_cbc && i < G_N_ELEMENTS(old); i++)
        if (client_knows(says, old[i]))
            return old[i];
    return OVPN_CIPHER_NONE_AGREED;
}
