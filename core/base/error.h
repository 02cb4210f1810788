/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the GError domain of the control plane.
 *
 * The code is what crosses the RPC: the numbers of the SE-VPN protocol and of its administration
 * API, because existing clients act upon them (docs/protocols/sevpn.md). The message is for a
 * person: a sentence that names the thing ("hub 'OFFICE' does not exist").
 */
#pragma once

#include <glib.h>

enum pe_error {
    PE_OK = 0,
    PE_CONNECT_FAILED = 1,
    PE_NOT_SEVPN_SERVER = 2,
    PE_DISCONNECTED = 3,
    PE_PROTOCOL = 4,
    PE_NOT_SEVPN_CLIENT = 5,
    PE_CANCELLED = 6,
    PE_AUTH_NOT_SUPPORTED = 7,
    PE_HUB_NOT_FOUND = 8,
    PE_AUTH_FAILED = 9,
    PE_HUB_STOPPING = 10,
    PE_SESSION_REMOVED = 11,
    PE_ACCESS_DENIED = 12,
    PE_SESSION_TIMEOUT = 13,
    PE_BAD_PROTOCOL = 14,
    PE_TOO_MANY_CONNECTIONS = 15,
    PE_HUB_FULL = 16,
    PE_PROXY_CONNECT_FAILED = 17,
    PE_PROXY_ERROR = 18,
    PE_PROXY_AUTH_FAILED = 19,
    PE_TOO_MANY_USER_SESSIONS = 20,
    PE_DEVICE = 22,
    PE_INTERNAL = 23,
    PE_NOT_FOUND = 29,
    PE_NOT_SUPPORTED = 33,
    PE_ACCOUNT_EXISTS = 34,
    PE_ACCOUNT_ACTIVE = 35,
    PE_ACCOUNT_NOT_FOUND = 36,
    PE_ACCOUNT_INACTIVE = 37,
    PE_INVALID_PARAMETER = 38,
    PE_NOT_ENOUGH_RIGHTS = 52,
    PE_LISTENER_NOT_FOUND = 53,
    PE_LISTENER_EXISTS = 54,
    PE_HUB_EXISTS = 57,
    PE_TOO_MANY_HUBS = 58,
    PE_TOO_MANY_USERS = 63,
    PE_GROUP_NOT_FOUND = 65,
    PE_USER_EXISTS = 66,
    PE_GROUP_EXISTS = 67,
    PE_LOCAL_BRIDGE = 83,
    PE_LOCAL_BRIDGE_UNSUPPORTED = 84,
    PE_CERT_NOT_TRUSTED = 85,
    PE_OLD_PASSWORD_WRONG = 69,
    PE_MONITOR_DENIED = 107,
    PE_BRIDGE_DENIED = 108,
    PE_ADDRESS_DENIED = 109,
    PE_TOO_MANY_ITEMS = 110,
    PE_EXISTS = 112,
    PE_AUTO_DISCONNECT = 126,
    PE_OPENVPN_OFF = 142,
    PE_TLS_HOSTNAME = 149,
};

#define PE_ERROR (pe_error_quark())
GQuark pe_error_quark(void);

/* The general text of a code, for when there is no better message ("authentication failed"). */
const char *pe_error_text(int code);
