/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ovpn-data.c - packets of OpenVPN's data channel.
 *
 * Input: one byte (low four bits: cipher; 0x10 DATA_V1; 0x20 the rest is a payload, sealed first;
 * 0x40 the rest is IV and ciphertext of CBC, and gets its right HMAC), one byte of room in blocks
 * of 16, then bytes. Laws: a payload fits its room, and comes out as it went in, once; what was
 * refused left the length alone.
 */

#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/siv_priv.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

enum { MAC = 32, KEY_ID = 2 };

struct lab {
    struct ovpn_data *client, *server;
    uint8_t block[OVPN_KEY_BLOCK];
    uint8_t packet[OVPN_PACKET_MAX + OVPN_DATA_OVERHEAD_MAX];
    uint8_t out[OVPN_PACKET_MAX + 1];
    size_t cap;
};

static enum drop
open_packet(struct lab *lab, size_t packet_len, size_t *len)
{
    *len = SIZE_MAX;
    lab->out[lab->cap] = 0xee;
    enum drop why = ovpn_data_open(lab->server, lab->packet, packet_len, lab->out, lab->cap, len);
    g_assert(lab->out[lab->cap] == 0xee);
    g_assert((why == DROP_NONE) == (*len != SIZE_MAX));
    g_assert(why != DROP_NONE || *len <= lab->cap);
    return why;
}

static void
as_payload(struct lab *lab, const uint8_t *data, size_t size)
{
    size_t len = 0;
    size_t head = size / 3;
    size_t n = ovpn_data_seal(lab->client, data, head, data + head, size - head, lab->packet);

    g_assert(n == ovpn_data_sealed_len(lab->client, size));
    g_assert(n <= size + ovpn_data_overhead(lab->client));
    enum drop why = open_packet(lab, n, &len);
    if (size > lab->cap) {
        g_assert(why == DROP_TOO_LONG);
        return;
    }
    g_assert(why == DROP_NONE && len == size && memcmp(lab->out, data, size) == 0);
    g_assert(open_packet(lab, n, &len) == DROP_POLICY);
}

static void
with_hmac(struct lab *lab, const uint8_t *data, size_t size)
{
    EVP_MAC_CTX *mac = ovpn_hmac_new("SHA256", lab->block + 64, MAC);
    size_t len = 0;

    lab->packet[0] = ovpn_first(OVPN_DATA_V1, KEY_ID);
    memcpy(lab->packet + 1 + MAC, data, size);
    g_assert(EVP_MAC_update(mac, data, size));
    g_assert(EVP_MAC_final(mac, lab->packet + 1, &len, MAC));
    EVP_MAC_CTX_free(mac);
    (void)open_packet(lab, 1 + MAC + size, &len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > OVPN_PACKET_MAX - OVPN_DATA_OVERHEAD_MAX)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    struct ovpn_data_config config = {
        .cipher = (enum ovpn_cipher)(1 + (data[0] & 0x0f) % (OVPN_N_CIPHERS - 1)),
        .digest = "SHA256",
        .key_id = KEY_ID,
        .peer_id = data[0] & 0x10 ? OVPN_PEER_ID_NONE : 7,
        .data_v2 = true,
    };
    size_t len = 0;

    for (unsigned i = 0; i < OVPN_KEY_BLOCK; i++)
        lab->block[i] = (uint8_t)(3 * i + 1);
    lab->client = ovpn_data_new(&config, lab->block);
    config.server = true;
    lab->server = ovpn_data_new(&config, lab->block);
    lab->cap = MIN(16u * data[1], OVPN_PACKET_MAX);
    if (data[0] & 0x20) {
        as_payload(lab, data + 2, size - 2);
    } else if (data[0] & 0x40) {
        with_hmac(lab, data + 2, size - 2);
    } else {
        memcpy(lab->packet, data + 2, size - 2);
        (void)open_packet(lab, size - 2, &len);
    }
    ovpn_data_free(lab->client);
    ovpn_data_free(lab->server);
    g_free(lab);
    return 0;
}
