global using FastVcpu.Fuzz.Files;
global using FastVcpu.Machine.Boot;
global using FastVcpu.Machine.Devices;
global using FastVcpu.Tests;
global using Xunit;
