/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - SSTP's records ([MS-SSTP], 2.2): data with one PPP frame, or a control message with its
 * attributes. */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SSTP_VERSION = 0x10,
    SSTP_HEADER = 4,
    SSTP_CONTROL_HEADER = 8,
    SSTP_RECORD_MAX = 4095, /* header included */
    SSTP_NONCE = 32,
    SSTP_HASH = 32, /* room; SHA-1 fills 20 of it */
    SSTP_CONNECTED_SIZE = 112,
};

enum sstp_message {
    SSTP_CALL_CONNECT_REQUEST = 1,
    SSTP_CALL_CONNECT_ACK,
    SSTP_CALL_CONNECT_NAK,
    SSTP_CALL_CONNECTED,
    SSTP_CALL_ABORT,
    SSTP_CALL_DISCONNECT,
    SSTP_CALL_DISCONNECT_ACK,
    SSTP_ECHO_REQUEST,
    SSTP_ECHO_RESPONSE,
};

enum sstp_attribute {
    SSTP_ENCAPSULATED_PROTOCOL = 1,
    SSTP_STATUS_INFO,
    SSTP_CRYPTO_BINDING,
    SSTP_CRYPTO_BINDING_REQUEST,
};

enum sstp_status {
    SSTP_NO_ERROR,
    SSTP_DUPLICATE_ATTRIBUTE,
    SSTP_UNRECOGNIZED_ATTRIBUTE,
    SSTP_INVALID_ATTRIBUTE_LENGTH,
    SSTP_VALUE_NOT_SUPPORTED,
    SSTP_UNACCEPTED_FRAME,
    SSTP_RETRY_COUNT_EXCEEDED,
    SSTP_INVALID_FRAME,
    SSTP_NEGOTIATION_TIMEOUT,
    SSTP_ATTRIBUTE_NOT_IN_MESSAGE,
    SSTP_REQUIRED_ATTRIBUTE_MISSING,
};

/* Bits of the hashes that a binding may use. */
enum { SSTP_SHA1 = 1, SSTP_SHA256 = 2 };

/* How long the record is that begins there: 0: not enough to tell; -1: no SSTP. */
int sstp_record_length(struct reader first);

static inline bool
sstp_is_control(const uint8_t *record)
{
    return record[1] & 1;
}

/* A control message. The record is whole. */
struct sstp_control {
    uint16_t type;
    uint16_t n_attributes;
    struct reader attributes;
};
bool sstp_control_parse(struct reader record, struct sstp_control *out) MUST_CHECK;
/* The next one. False: there is none, or it is malformed (the reader has failed). */
bool sstp_next_attribute(struct reader *r, uint8_t *id, struct reader *value);

/* A control message's head, for what follows to be written behind it. */
void
sstp_write_control(struct writer *w, enum sstp_message type, unsigned n_attributes, size_t body);
/* A whole message with a status; attribute is what it is about. */
void sstp_write_status(struct writer *w, enum sstp_message type, uint8_t attribute,
                       enum sstp_status status);
void sstp_write_connect_ack(struct writer *w, unsigned hashes, const uint8_t nonce[SSTP_NONCE]);
