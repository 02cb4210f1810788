/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - RADIUS on the wire (RFC 2865, 2866, 2869, 5176; RFC 2548 for Microsoft's attributes).
 *
 * A packet is protected by MD5 over it and a shared secret, which a man in the middle can forge in
 * replies (CVE-2024-3596). Against it there is Message-Authenticator, an HMAC: requests carry it as
 * the first attribute, and who checks a reply says whether it must be there.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

enum {
    RADIUS_PACKET_MAX = 4096,
    RADIUS_HEAD = 20,
    RADIUS_AUTHENTICATOR = 16,
    RADIUS_VALUE_MAX = 253,
    RADIUS_PASSWORD_MAX = 128,
    RADIUS_SECRET_MAX = 255,
};

enum radius_code {
    RADIUS_ACCESS_REQUEST = 1,
    RADIUS_ACCESS_ACCEPT = 2,
    RADIUS_ACCESS_REJECT = 3,
    RADIUS_ACCOUNTING_REQUEST = 4,
    RADIUS_ACCOUNTING_RESPONSE = 5,
    RADIUS_ACCESS_CHALLENGE = 11,
    RADIUS_STATUS_SERVER = 12,
    RADIUS_DISCONNECT_REQUEST = 40,
    RADIUS_DISCONNECT_ACK = 41,
    RADIUS_DISCONNECT_NAK = 42,
    RADIUS_COA_REQUEST = 43,
    RADIUS_COA_ACK = 44,
    RADIUS_COA_NAK = 45,
};

enum radius_attr {
    RADIUS_USER_NAME = 1,
    RADIUS_USER_PASSWORD = 2,
    RADIUS_NAS_IP_ADDRESS = 4,
    RADIUS_NAS_PORT = 5,
    RADIUS_SERVICE_TYPE = 6,
    RADIUS_FRAMED_PROTOCOL = 7,
    RADIUS_FRAMED_IP_ADDRESS = 8,
    RADIUS_FRAMED_IP_NETMASK = 9,
    RADIUS_FILTER_ID = 11,
    RADIUS_REPLY_MESSAGE = 18,
    RADIUS_FRAMED_ROUTE = 22,
    RADIUS_STATE = 24,
    RADIUS_CLASS = 25,
    RADIUS_VENDOR_SPECIFIC = 26,
    RADIUS_SESSION_TIMEOUT = 27,
    RADIUS_IDLE_TIMEOUT = 28,
    RADIUS_CALLED_STATION_ID = 30,
    RADIUS_CALLING_STATION_ID = 31,
    RADIUS_NAS_IDENTIFIER = 32,
    RADIUS_PROXY_STATE = 33,
    RADIUS_ACCT_STATUS_TYPE = 40,
    RADIUS_ACCT_DELAY_TIME = 41,
    RADIUS_ACCT_INPUT_OCTETS = 42,
    RADIUS_ACCT_OUTPUT_OCTETS = 43,
    RADIUS_ACCT_SESSION_ID = 44,
    RADIUS_ACCT_AUTHENTIC = 45,
    RADIUS_ACCT_SESSION_TIME = 46,
    RADIUS_ACCT_INPUT_PACKETS = 47,
    RADIUS_ACCT_OUTPUT_PACKETS = 48,
    RADIUS_ACCT_TERMINATE_CAUSE = 49,
    RADIUS_ACCT_INPUT_GIGAWORDS = 52,
    RADIUS_ACCT_OUTPUT_GIGAWORDS = 53,
    RADIUS_EVENT_TIMESTAMP = 55,
    RADIUS_NAS_PORT_TYPE = 61,
    RADIUS_TUNNEL_PRIVATE_GROUP_ID = 81,
    RADIUS_EAP_MESSAGE = 79,
    RADIUS_MESSAGE_AUTHENTICATOR = 80,
    RADIUS_ACCT_INTERIM_INTERVAL = 85,
    RADIUS_NAS_IPV6_ADDRESS = 95,
    RADIUS_ERROR_CAUSE = 101,
    RADIUS_FRAMED_IPV6_ADDRESS = 168,
};

enum { RADIUS_VENDOR_MICROSOFT = 311, RADIUS_VENDOR_WISPR = 14122 };

enum radius_ms_attr { /* RFC 2548 */
                      RADIUS_MS_CHAP_ERROR = 2,
                      RADIUS_MS_CHAP_CHALLENGE = 11,
                      RADIUS_MS_MPPE_SEND_KEY = 16,
                      RADIUS_MS_MPPE_RECV_KEY = 17,
                      RADIUS_MS_CHAP2_RESPONSE = 25,
                      RADIUS_MS_CHAP2_SUCCESS = 26,
                      RADIUS_MS_PRIMARY_DNS = 28,
                      RADIUS_MS_SECONDARY_DNS = 29,
};

enum radius_wispr_attr { RADIUS_WISPR_MAX_UP = 7, RADIUS_WISPR_MAX_DOWN = 8 }; /* bit/s */

struct radius_secret {
    uint8_t bytes[RADIUS_SECRET_MAX];
    uint8_t len;
};

/* ---- building ---- */

/* Head and an empty Message-Authenticator, which is to be the first attribute. */
void radius_begin(struct writer *w, enum radius_code code, uint8_t id,
                  const uint8_t authenticator[RADIUS_AUTHENTICATOR]);
/* What is longer than RADIUS_VALUE_MAX makes the writer fail. */
void radius_put(struct writer *w, enum radius_attr type, const void *value, size_t len);
void radius_put_text(struct writer *w, enum radius_attr type, const char *text);
void radius_put_u32(struct writer *w, enum radius_attr type, uint32_t value);
void
radius_put_vendor(struct writer *w, uint32_t vendor, uint8_t type, const void *value, size_t len);
/* RFC 2865, 5.2. Fails when the password is too long. */
void radius_put_password(struct writer *w, const void *password, size_t len,
                         const struct radius_secret *secret,
                         const uint8_t authenticator[RADIUS_AUTHENTICATOR]);
/* Length and Message-Authenticator; for an accounting, CoA or Disconnect request its authenticator
 * (RFC 2866, 3), else the one that radius_begin() wrote stays. False: it does not fit. */
bool radius_seal_request(struct writer *w, const struct radius_secret *secret) MUST_CHECK;
/* The same of a reply to a request with this authenticator. */
bool radius_seal_reply(struct writer *w, const struct radius_secret *secret,
                       const uint8_t request_authenticator[RADIUS_AUTHENTICATOR]) MUST_CHECK;

/* ---- reading ---- */

struct radius_packet {
    uint8_t code, id;
    uint8_t authenticator[RADIUS_AUTHENTICATOR];
    struct reader attributes; /* checked: each has its length */
    struct reader whole;      /* head and attributes, without what follows them */
};
/* Form alone: lengths add up. Bytes behind the packet are padding. */
bool radius_parse(struct reader in, struct radius_packet *out) MUST_CHECK;

struct radius_attribute {
    uint8_t type;
    uint32_t vendor; /* 0: none; else type is the vendor's */
    struct reader value;
};
/* Takes the next one off r; a vendor's with more than one inside gives each. False: no more. */
struct radius_iter {
    struct reader rest, inside;
    uint32_t vendor;
};
struct radius_iter radius_iter_of(const struct radius_packet *p);
bool radius_next(struct radius_iter *it, struct radius_attribute *out);
/* The first one. */
bool radius_find(const struct radius_packet *p, uint8_t type, struct reader *value);
/* Only when it is four bytes long. */
bool radius_value_u32(struct reader value, uint32_t *out);

enum radius_fault {
    RADIUS_FINE,
    RADIUS_FORGED, /* an authenticator is wrong */
    RADIUS_BARE,   /* no Message-Authenticator, and there must be one */
};
/* A reply to a request with this authenticator. */
enum radius_fault
radius_check_reply(const struct radius_packet *p, const struct radius_secret *secret,
                   const uint8_t request_authenticator[RADIUS_AUTHENTICATOR], bool must_have);
/* An accounting, CoA or Disconnect request. */
enum radius_fault radius_check_request(const struct radius_packet *p,
                                       const struct radius_secret *secret, bool must_have);

/* RFC 2548, 2.4.2: a key of 16 bytes in MS-MPPE-Send-Key or -Recv-Key. */
bool radius_open_key(struct reader value, const struct radius_secret *secret,
                     const uint8_t request_authenticator[RADIUS_AUTHENTICATOR],
                     uint8_t out[16]) MUST_CHECK;
