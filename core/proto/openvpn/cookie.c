/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.c - see cookie.h. */

#include "core/proto/openvpn/cookie.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { INPUT = 8 + 1 + 16 + 2 + 4 + OVPN_SID };

static void
make(const uint8_t key[OVPN_COOKIE_KEY], const struct endpoint *peer,
     const uint8_t client_sid[OVPN_SID], int64_t slot, uint8_t out[OVPN_SID])
{
    uint8_t input[INPUT];
    uint8_t tag[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct writer w = writer_of(input, sizeof(input));

    writer_u64(&w, (uint64_t)slot);
    writer_u8(&w, peer->ip.family);
    writer_bytes(&w, peer->ip.b, peer->ip.family == 4 ? 4 : 16);
    writer_u16(&w, peer->port);
    writer_u32(&w, peer->scope);
    writer_bytes(&w, client_sid, OVPN_SID);
    g_assert(writer_ok(&w));
    const uint8_t *ok = HMAC(EVP_sha256(), key, OVPN_COOKIE_KEY, input, w.len, tag, &len);
    g_assert(ok && len >= OVPN_SID);
    memcpy(out, tag, OVPN_SID);
}

void
ovpn_cookie_make(const uint8_t key[OVPN_COOKIE_KEY], const struct endpoint *peer,
                 const uint8_t client_sid[OVPN_SID], int64_t now_s, uint8_t out[OVPN_SID])
{
    make(key, peer, client_sid, now_s / OVPN_COOKIE_SLOT_S, out);
}

bool
ovpn_cookie_check(const uint8_t key[OVPN_COOKIE_KEY], const struct endpoint *peer,
                  const uint8_t client_sid[OVPN_SID], int64_t now_s, const uint8_t sid[OVPN_SID])
{
    bool good = false;

    for (int64_t back = 0; back < OVPN_COOKIE_SLOTS; back++) {
        uint8_t want[OVPN_SID];
        make(key, peer, client_sid, now_s / OVPN_COOKIE_SLOT_S - back, want);
        good |= secret_equal(want, sid, OVPN_SID); /* all of them: no hint which one it was */
    }
    return good;
}
