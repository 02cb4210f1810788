/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - L2TPv2 on the wire (RFC 2661, 3 to 5): headers, control messages, AVPs. */
#pragma once

#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    L2TP_CONTROL_HEADER = 12,
    L2TP_DATA_HEADER = 6,           /* as we send it */
    L2TP_DATA_HEADER_SEQUENCE = 10, /* with Ns and Nr, for peers that require them */
    L2TP_MESSAGE_MAX = 1024,        /* of ours; longer ones of the peer are not looked at */
    L2TP_AVP_HEADER = 6,
    L2TP_AVPS_MAX = 64, /* in one message; what follows is not looked at */
    L2TP_DIGEST = 16,
};

/* The first 16 bits. */
enum {
    L2TP_FLAG_CONTROL = 0x8000,
    L2TP_FLAG_LENGTH = 0x4000,
    L2TP_FLAG_SEQUENCE = 0x0800,
    L2TP_FLAG_OFFSET = 0x0200,
    L2TP_VERSION_MASK = 0x000f,
    L2TP_VERSION = 2,
};

enum l2tp_message_type {
    L2TP_SCCRQ = 1,
    L2TP_SCCRP,
    L2TP_SCCCN,
    L2TP_STOPCCN,
    L2TP_HELLO = 6,
    L2TP_OCRQ,
    L2TP_OCRP,
    L2TP_OCCN,
    L2TP_ICRQ,
    L2TP_ICRP,
    L2TP_ICCN,
    L2TP_CDN = 14,
    L2TP_WEN,
    L2TP_SLI,
};

enum l2tp_avp {
    L2TP_AVP_MESSAGE_TYPE,
    L2TP_AVP_RESULT,
    L2TP_AVP_PROTOCOL_VERSION,
    L2TP_AVP_FRAMING_CAPABILITIES,
    L2TP_AVP_BEARER_CAPABILITIES,
    L2TP_AVP_TIE_BREAKER,
    L2TP_AVP_FIRMWARE,
    L2TP_AVP_HOST_NAME,
    L2TP_AVP_VENDOR_NAME,
    L2TP_AVP_TUNNEL_ID,
    L2TP_AVP_WINDOW,
    L2TP_AVP_CHALLENGE,
    L2TP_AVP_CAUSE,
    L2TP_AVP_CHALLENGE_RESPONSE,
    L2TP_AVP_SESSION_ID,
    L2TP_AVP_CALL_SERIAL,
    L2TP_AVP_CALLED_NUMBER = 21,
    L2TP_AVP_CALLING_NUMBER,
    L2TP_AVP_RANDOM_VECTOR = 36,
    L2TP_AVP_SEQUENCING_REQUIRED = 39,
    L2TP_N_AVPS
};

/* Result codes of StopCCN and CDN (4.4.2), and the error codes that explain a general error. */
enum l2tp_stop_result {
    L2TP_STOP_CLEAR = 1,
    L2TP_STOP_ERROR,
    L2TP_STOP_EXISTS,
    L2TP_STOP_NOT_AUTHORIZED,
    L2TP_STOP_VERSION,
    L2TP_STOP_SHUTDOWN,
    L2TP_STOP_STATE,
};
enum l2tp_call_result {
    L2TP_CALL_CARRIER = 1,
    L2TP_CALL_ERROR,
    L2TP_CALL_ADMINISTRATIVE,
    L2TP_CALL_NO_FACILITIES,
};
enum l2tp_error {
    L2TP_ERROR_NONE,
    L2TP_ERROR_NO_CONNECTION,
    L2TP_ERROR_LENGTH,
    L2TP_ERROR_VALUE,
    L2TP_ERROR_RESOURCES,
    L2TP_ERROR_SESSION,
};

struct l2tp_header {
    bool is_control, has_sequence;
    uint16_t tunnel, session; /* the receiver's */
    uint16_t ns, nr;
    struct reader payload; /* what follows, as long as Length says; bytes after it are left away */
};
/* Anything but version 2 is false, and so is a control message without L and S or with O. */
bool l2tp_header_parse(struct reader packet, struct l2tp_header *out) MUST_CHECK;

/* A control message; values borrow from the packet, or from plain when they were hidden. Some 3
 * KiB. */
struct l2tp_message {
    uint16_t type;
    struct reader value[L2TP_N_AVPS]; /* at NULL: not there. The first of each counts */
    uint8_t plain[L2TP_MESSAGE_MAX];
};
/* avps: what follows the header. secret (or NULL) opens hidden ones; those that cannot be opened
 * are as if they were not there. False: no whole AVPs, or the first one is no message type. */
bool l2tp_message_parse(struct reader avps, const struct secret *secret,
                        struct l2tp_message *out) MUST_CHECK;
bool l2tp_message_has(const struct l2tp_message *m, enum l2tp_avp avp);
/* False: not there, or too short. */
bool l2tp_message_u16(const struct l2tp_message *m, enum l2tp_avp avp, uint16_t *out) MUST_CHECK;

/* Whether a payload is the SCCRQ of version 2 that opens a tunnel. */
bool l2tp_is_first(struct reader packet);

/* ---- writing ---- */

/* The header, with Ns and Nr zero, and the message type. */
void l2tp_begin(struct writer *w, enum l2tp_message_type type, uint16_t tunnel, uint16_t session);
/* Has the M bit where RFC 2661 says so. */
void l2tp_put(struct writer *w, enum l2tp_avp avp, const void *value, size_t len);
void l2tp_put_u16(struct writer *w, enum l2tp_avp avp, uint16_t value);
void l2tp_put_u32(struct writer *w, enum l2tp_avp avp, uint32_t value);
/* text may be NULL; it is told only together with an error code. */
void l2tp_put_result(struct writer *w, uint16_t result, uint16_t error, const char *text);
/* Needs a Random Vector before it, which is random. pad: zeroes that hide the length. */
void l2tp_put_hidden(struct writer *w, enum l2tp_avp avp, struct reader value, size_t pad,
                     const struct secret *secret, struct reader random);
/* Fills in the length. False: it did not fit. */
bool l2tp_end(const struct writer *w) MUST_CHECK;
/* An acknowledgement alone (ZLB). */
void l2tp_write_ack(uint8_t out[L2TP_CONTROL_HEADER], uint16_t tunnel, uint16_t ns, uint16_t nr);

/* Tunnel authentication (4.2): the answer to a challenge in a message of that type. */
bool l2tp_challenge_response(enum l2tp_message_type type, const struct secret *secret,
                             struct reader challenge, uint8_t out[L2TP_DIGEST]) MUST_CHECK;
