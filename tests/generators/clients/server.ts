// The server that the round trips talk to.
export const address = process.env["CRM_ADDRESS"] ?? "";
export const token = process.env["CRM_TOKEN"] ?? "";
