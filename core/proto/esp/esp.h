/* SPDX-License-Identifier: Apache-2.0 */
/* esp.h - the Encapsulating Security Payload (RFC 4303): one direction's security association,
 * which seals or opens packets. It knows no key exchange, no socket and no address.
 *
 * No allocation and no system call per packet; cipher contexts are made once. One thread.
 */
#pragma once

#include "core/base/drop.h"
#include "core/base/types.h"
#include "platform/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum esp_cipher {
    ESP_AES_GCM_16, /* RFC 4106, ICV of 16 */
    ESP_AES_CBC,    /* RFC 3602 */
    ESP_3DES_CBC,   /* RFC 2451 */
};
enum esp_integrity {
    ESP_AEAD, /* the cipher does it */
    ESP_SHA1_96,
    ESP_SHA256_128, /* RFC 4868; or 96 bits, see esp_in_open() */
    ESP_SHA384_192,
    ESP_SHA512_256,
    ESP_MD5_96,
};
struct esp_suite {
    enum esp_cipher cipher;
    enum esp_integrity integrity;
    unsigned key_bits; /* 128, 192, 256; 192 for 3DES */
    bool esn;          /* 64-bit sequence numbers */
};

enum {
    ESP_HEADER = 8,
    ESP_KEYMAT_MAX = 32 + 64,
    ESP_OVERHEAD_MAX = ESP_HEADER + 16 + 17 + 32, /* header, IV, padding and trailer, ICV */
    ESP_WINDOW = 2048,                            /* sequence numbers back that are told apart */
    ESP_SPI_MIN = 256,                            /* lower ones are reserved */
};

/* Bytes of keying material: cipher key (with its salt), then that of the MAC. 0: no such suite. */
size_t esp_keymat_size(const struct esp_suite *s);
/* "AES-256-GCM", "AES-128-CBC-SHA1", ... A constant. */
const char *esp_suite_name(const struct esp_suite *s);

/* ---- out ---- */

struct esp_out;
/* keymat has esp_keymat_size() bytes and is not kept. NULL: OpenSSL cannot. */
struct esp_out *esp_out_new(const struct esp_suite *s, uint32_t spi, const uint8_t *keymat);
void esp_out_free(struct esp_out *o); /* wipes; NULL is fine */
/* Seals one payload, which is n_in slices, into out, which has room for esp_out_size() of it.
 * next_header is the IP protocol of the payload. Returns the packet's length; 0: the sequence
 * numbers are used up. */
size_t esp_out_seal(struct esp_out *o, const struct pf_slice *in, unsigned n_in,
                    uint8_t next_header, uint8_t *out);
/* The packet's length for a payload of len. */
size_t esp_out_size(const struct esp_out *o, size_t len);
/* The longest payload whose packet has at most len bytes. */
size_t esp_out_fits(const struct esp_out *o, size_t len);
/* Packets sealed so far. Past ESP_REKEY_AT of a 32-bit sequence new keys are due. */
uint64_t esp_out_packets(const struct esp_out *o);
#define ESP_REKEY_AT UINT64_C(0xf0000000)
/* The peer truncates SHA-256 to 96 bits (esp_in_is_short()): so do we; or it does not. Both are for
 * tests; who has both directions calls esp_out_follow() after each right packet. */
void esp_out_set_short(struct esp_out *o);
void esp_out_set_full(struct esp_out *o);

/* ---- in ---- */

struct esp_in;
struct esp_in *esp_in_new(const struct esp_suite *s, uint32_t spi, const uint8_t *keymat);
void esp_in_free(struct esp_in *i);

struct esp_opened {
    uint8_t *data; /* the payload, within the packet */
    size_t len;
    uint8_t next_header; /* ESP_DUMMY: nothing to see */
    bool newest; /* none with a higher number has come: where it comes from is where the peer is */
};
enum { ESP_DUMMY = 59 };
/* Opens a packet, from its SPI on, in place. DROP_NONE, or DROP_SHORT, DROP_MALFORMED, DROP_CRYPTO
 * (the MAC is wrong), DROP_REPLAY. Order of RFC 4303, 3.4: window, MAC, window again, decryption.
 * ESP_SHA256_128: devices that truncate to 96 bits are known by their first right packet. A refused
 * packet's bytes are no longer what they were. */
enum drop esp_in_open(struct esp_in *i, uint8_t *packet, size_t len, struct esp_opened *out);
/* What the last right packet was; once one has all 128 bits, it is false for good. */
bool esp_in_is_short(const struct esp_in *i);
uint64_t esp_in_packets(const struct esp_in *i); /* that were right */
/* Answers in kind: what the last right packet's ICV was is what we send from now on. */
void esp_out_follow(struct esp_out *o, const struct esp_in *i);
