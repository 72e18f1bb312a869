// The CommonJS half of the project: it makes the app.
const { spryWs } = require("@spry-ws/express");
const express = require("express");

const app = express();
const spry = spryWs({ backplane: require("@spry-ws/core").memoryBackplane() });
app.use(spry);
module.exports = { app, spry };
